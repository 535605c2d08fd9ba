//! Digests, password hashes, encryption.

use aes::Aes256;
use aes::cipher::{BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};

use super::conversion::base64_decode;
use super::{Arguments as _, Function, text};
use crate::exec::{Operand, Res, Run, Ty, fail};

use Ty::{Str, Uint32};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("sha1sum", &[Str], Str, |run, a| {
        charge(run, a)?;
        text(hex(&sha1::Sha1::digest(a.bytes(0))))
    }),
    Function::new("sha256sum", &[Str], Str, |run, a| {
        charge(run, a)?;
        text(hex(&Sha256::digest(a.bytes(0))))
    }),
    Function::new("sha512sum", &[Str], Str, |run, a| {
        charge(run, a)?;
        text(hex(&Sha512::digest(a.bytes(0))))
    }),
    Function::new("adler32sum", &[Str], Str, |run, a| {
        charge(run, a)?;
        text(adler32(a.bytes(0)).to_string())
    }),
    Function::new("bcrypt", &[Str], Str, |run, a| text(bcrypt_text(run, a.bytes(0))?)),
    Function::new("htpasswd", &[Str, Str], Str, htpasswd),
    Function::new("derivePassword", &[Uint32, Str, Str, Str, Str], Str, derive_password),
    Function::new("encryptAES", &[Str, Str], Str, encrypt),
    Function::new("decryptAES", &[Str, Str], Str, decrypt),
];

/// Steps that a slow hash counts as.
const SLOW: usize = 64 << 20;

fn charge(run: &mut Run<'_>, arguments: &[Operand]) -> Res<()> {
    run.charge(arguments.bytes(0).len().saturating_mul(4))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1u32, 0u32);
    // Sums of so many bytes cannot overflow.
    for chunk in bytes.chunks(5552) {
        for byte in chunk {
            a += u32::from(*byte);
            b += a;
        }
        a %= 65_521;
        b %= 65_521;
    }
    b << 16 | a
}

/// Go's cost, 10.
fn bcrypt_text(run: &mut Run<'_>, password: &[u8]) -> Res<String> {
    run.work(SLOW)?;
    if password.len() > 72 {
        return Ok("failed to encrypt string with bcrypt: bcrypt: password length exceeds 72 bytes".to_owned());
    }
    let mut salt = [0; 16];
    run.host.random(&mut salt);
    Ok(match bcrypt::hash_with_salt(password, 10, salt) {
        Ok(parts) => parts.format_for_version(bcrypt::Version::TwoA),
        Err(error) => format!("failed to encrypt string with bcrypt: {error}"),
    })
}

fn htpasswd(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let (user, password) = (arguments.str(0).to_text(), arguments.bytes(1));
    if user.contains(':') {
        return text(format!("invalid username: {user}"));
    }
    let hash = bcrypt_text(run, password)?;
    text(format!("{user}:{hash}"))
}

const SEED: &[u8] = b"com.lyndir.masterpassword";

fn password_shapes(kind: &[u8]) -> Option<&'static [&'static str]> {
    Some(match kind {
        b"maximum" => &["anoxxxxxxxxxxxxxxxxx", "axxxxxxxxxxxxxxxxxno"],
        b"long" => &[
            "CvcvnoCvcvCvcv",
            "CvcvCvcvnoCvcv",
            "CvcvCvcvCvcvno",
            "CvccnoCvcvCvcv",
            "CvccCvcvnoCvcv",
            "CvccCvcvCvcvno",
            "CvcvnoCvccCvcv",
            "CvcvCvccnoCvcv",
            "CvcvCvccCvcvno",
            "CvcvnoCvcvCvcc",
            "CvcvCvcvnoCvcc",
            "CvcvCvcvCvccno",
            "CvccnoCvccCvcv",
            "CvccCvccnoCvcv",
            "CvccCvccCvcvno",
            "CvcvnoCvccCvcc",
            "CvcvCvccnoCvcc",
            "CvcvCvccCvccno",
            "CvccnoCvcvCvcc",
            "CvccCvcvnoCvcc",
            "CvccCvcvCvccno",
        ],
        b"medium" => &["CvcnoCvc", "CvcCvcno"],
        b"short" => &["Cvcn"],
        b"basic" => &["aaanaaan", "aannaaan", "aaannaaa"],
        b"pin" => &["nnnn"],
        _ => return None,
    })
}

fn alphabet(class: u8) -> &'static [u8] {
    match class {
        b'V' => b"AEIOU",
        b'C' => b"BCDFGHJKLMNPQRSTVWXYZ",
        b'v' => b"aeiou",
        b'c' => b"bcdfghjklmnpqrstvwxyz",
        b'A' => b"AEIOUBCDFGHJKLMNPQRSTVWXYZ",
        b'a' => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz",
        b'n' => b"0123456789",
        b'o' => b"@&%?,=[]_:-+*$#!'^~;()/.",
        _ => b"AEIOUaeiouBCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz0123456789!@#$%^&*()",
    }
}

/// The Master Password algorithm.
fn derive_password(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let counter = arguments.int(0) as u32;
    let Some(shapes) = password_shapes(arguments.bytes(1)) else {
        return text(format!("cannot find password template {}", arguments.str(1).to_text()));
    };
    run.work(SLOW)?;
    let (password, user, site) = (arguments.bytes(2), arguments.bytes(3), arguments.bytes(4));
    let salt = [SEED, &(user.len() as u32).to_be_bytes(), user].concat();
    let mut key = [0; 64];
    let derived = scrypt::Params::new(15, 8, 2)
        .map_err(|error| error.to_string())
        .and_then(|params| scrypt::scrypt(password, &salt, &params, &mut key).map_err(|error| error.to_string()));
    if let Err(error) = derived {
        return text(format!("failed to derive password: {error}"));
    }
    let message = [SEED, &(site.len() as u32).to_be_bytes(), site, &counter.to_be_bytes()].concat();
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key) else { return fail("invalid key length") };
    mac.update(&message);
    let seed = mac.finalize().into_bytes();
    let shape = shapes[usize::from(seed[0]) % shapes.len()];
    let pick = |(index, class): (usize, u8)| {
        let alphabet = alphabet(class);
        alphabet[usize::from(seed[index + 1]) % alphabet.len()]
    };
    text(shape.bytes().enumerate().map(pick).collect::<Vec<u8>>())
}

/// The first 32 bytes of the password, padded with zeros.
fn cipher(password: &[u8]) -> Aes256 {
    let mut key = [0; 32];
    let length = password.len().min(32);
    key[..length].copy_from_slice(&password[..length]);
    Aes256::new(&key.into())
}

fn encrypt(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let plain = arguments.bytes(1);
    if plain.is_empty() {
        return text("");
    }
    run.charge(plain.len().saturating_mul(4))?;
    let cipher = cipher(arguments.bytes(0));
    let padding = 16 - plain.len() % 16;
    let padded = [plain, &vec![padding as u8; padding]].concat();
    let mut before = [0; 16];
    run.host.random(&mut before);
    let mut out = before.to_vec();
    for chunk in padded.chunks_exact(16) {
        for (byte, plain) in before.iter_mut().zip(chunk) {
            *byte ^= plain;
        }
        let mut block = before.into();
        cipher.encrypt_block(&mut block);
        before.copy_from_slice(&block);
        out.extend_from_slice(&before);
    }
    text(super::base64_text(&out))
}

fn decrypt(run: &mut Run<'_>, arguments: &[Operand]) -> Res<Operand> {
    let encoded = arguments.bytes(1);
    if encoded.is_empty() {
        return text("");
    }
    run.charge(encoded.len().saturating_mul(4))?;
    let bytes = match base64_decode(encoded) {
        Ok(bytes) => bytes,
        Err(message) => return fail(message),
    };
    if bytes.len() < 16 {
        return fail(format!("runtime error: slice bounds out of range [:16] with capacity {}", bytes.len()));
    }
    let (vector, blocks) = bytes.split_at(16);
    if blocks.len() % 16 != 0 {
        return fail("crypto/cipher: input not full blocks");
    }
    let cipher = cipher(arguments.bytes(0));
    let mut before = vector;
    let mut out = Vec::with_capacity(blocks.len());
    for chunk in blocks.chunks_exact(16) {
        let mut copy = [0; 16];
        copy.copy_from_slice(chunk);
        let mut block = copy.into();
        cipher.decrypt_block(&mut block);
        out.extend(block.iter().zip(before).map(|(byte, before)| byte ^ before));
        before = chunk;
    }
    let Some(padding) = out.last().copied() else { return fail("runtime error: index out of range [-1]") };
    match out.len().checked_sub(usize::from(padding)) {
        Some(length) => text(&out[..length]),
        None => fail(format!("runtime error: slice bounds out of range [:{}]", out.len() as i64 - i64::from(padding))),
    }
}
