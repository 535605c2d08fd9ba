//! The order go-yaml v2 prints keys in: digit runs count as numbers, letters come after everything else.

/// Sorts keys. The comparison is not transitive for some keys that mix zeros, digits and letters, where
/// upstream's result varies from run to run; a plain merge never fails over that, a library sort may.
pub(crate) fn sort<T>(entries: &mut Vec<(&str, T)>) {
    let sorted = entries.windows(2).all(|pair| !less(pair[1].0, pair[0].0));
    if !sorted {
        let taken = std::mem::take(entries);
        *entries = merge_sort(taken);
    }
}

/// Sorts entries by key as go-yaml's encoders do.
pub fn sort_keys<T>(entries: &mut Vec<(String, T)>) {
    let taken = std::mem::take(entries);
    let mut borrowed: Vec<(&str, usize)> =
        taken.iter().enumerate().map(|(index, (key, _))| (key.as_str(), index)).collect();
    sort(&mut borrowed);
    let order: Vec<usize> = borrowed.into_iter().map(|(_, index)| index).collect();
    let mut places: Vec<Option<(String, T)>> = taken.into_iter().map(Some).collect();
    entries.extend(order.into_iter().filter_map(|index| places[index].take()));
}

fn merge_sort<T>(mut entries: Vec<(&str, T)>) -> Vec<(&str, T)> {
    if entries.len() < 2 {
        return entries;
    }
    let mut right = merge_sort(entries.split_off(entries.len() / 2)).into_iter().peekable();
    let mut left = merge_sort(entries).into_iter().peekable();
    let mut merged = Vec::with_capacity(left.len() + right.len());
    loop {
        let next = match (left.peek(), right.peek()) {
            (Some(a), Some(b)) if less(b.0, a.0) => right.next(),
            (Some(_), _) => left.next(),
            (None, Some(_)) => right.next(),
            (None, None) => return merged,
        };
        merged.extend(next);
    }
}

fn less(a: &str, b: &str) -> bool {
    let mut same = a.bytes().zip(b.bytes()).take_while(|(x, y)| x == y).count();
    while !a.is_char_boundary(same) || !b.is_char_boundary(same) {
        same -= 1;
    }
    let (before, rest_a, rest_b) = (&a[..same], &a[same..], &b[same..]);
    let (Some(x), Some(y)) = (rest_a.chars().next(), rest_b.chars().next()) else {
        return a.len() < b.len();
    };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x < y,
        (false, false) => {}
        (_, y_letter) => return y_letter,
    }
    // Behind a digit other than zero a zero is a digit like others.
    let run = before.bytes().rev().take_while(u8::is_ascii_digit);
    let inside = (x == '0' || y == '0') && run.into_iter().any(|digit| digit != b'0');
    let (number_a, length_a) = number(rest_a, inside);
    let (number_b, length_b) = number(rest_b, inside);
    if number_a != number_b {
        return number_a < number_b;
    }
    if length_a != length_b {
        return length_a < length_b;
    }
    x < y
}

fn number(text: &str, inside: bool) -> (i64, usize) {
    let length = text.bytes().take_while(u8::is_ascii_digit).count();
    let add = |value: i64, digit: u8| value.wrapping_mul(10).wrapping_add(i64::from(digit - b'0'));
    (text.bytes().take(length).fold(i64::from(inside), add), length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sorted(keys: &str) -> String {
        let mut entries: Vec<(&str, ())> = keys.split(' ').map(|key| (key, ())).collect();
        sort(&mut entries);
        entries.into_iter().map(|(key, ())| key).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn numbers_then_letters() {
        let expect = "1 9 10 A Zed a a-b a.b a/b a_b a2b a10b aB ab é";
        assert_eq!(sorted("é ab aB a10b a2b a_b a/b a.b a-b a Zed A 10 9 1"), expect);
        assert_eq!(sorted("a1b a01b a001b"), "a1b a01b a001b");
        assert_eq!(sorted("x100 x20 x3"), "x3 x20 x100");
    }

    #[test]
    fn keys_that_have_no_order_are_sorted_somehow() {
        let keys: Vec<String> = (0..200).map(|n| format!("{}{n:0>3}{}", ["a", "0", "a0"][n % 3], n % 7)).collect();
        let mut entries: Vec<(&str, usize)> = keys.iter().enumerate().map(|(n, key)| (key.as_str(), n)).collect();
        sort(&mut entries);
        assert_eq!(entries.len(), 200);
    }
}
