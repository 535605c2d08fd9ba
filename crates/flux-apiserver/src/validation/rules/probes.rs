//! Probes and hooks.

use serde_json::Value;

use super::at::At;
use super::formats::header_name;
use super::pod::Around;
use super::report::{NOT_NEGATIVE, Report, given, items, number, text};

const LINUX_SIGNALS: [&str; 65] = [
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGIOT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPOLL",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGRTMAX",
    "SIGRTMAX-1",
    "SIGRTMAX-10",
    "SIGRTMAX-11",
    "SIGRTMAX-12",
    "SIGRTMAX-13",
    "SIGRTMAX-14",
    "SIGRTMAX-2",
    "SIGRTMAX-3",
    "SIGRTMAX-4",
    "SIGRTMAX-5",
    "SIGRTMAX-6",
    "SIGRTMAX-7",
    "SIGRTMAX-8",
    "SIGRTMAX-9",
    "SIGRTMIN",
    "SIGRTMIN+1",
    "SIGRTMIN+10",
    "SIGRTMIN+11",
    "SIGRTMIN+12",
    "SIGRTMIN+13",
    "SIGRTMIN+14",
    "SIGRTMIN+15",
    "SIGRTMIN+2",
    "SIGRTMIN+3",
    "SIGRTMIN+4",
    "SIGRTMIN+5",
    "SIGRTMIN+6",
    "SIGRTMIN+7",
    "SIGRTMIN+8",
    "SIGRTMIN+9",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];

/// Hooks first, then the three probes.
pub(super) fn all(around: &Around<'_>, container: &Value, at: &At<'_>, report: &mut Report) {
    if let Some(own) = given(container, "lifecycle") {
        lifecycle(around, own, &at.child("lifecycle"), report);
    }
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(own) = given(container, name) else { continue };
        let at = at.child(name);
        probe(around, own, &at, report);
        if name == "readinessProbe" {
            if let Some(seconds) = given(own, "terminationGracePeriodSeconds") {
                let words = "must not be set for readinessProbes";
                report.invalid(&at.child("terminationGracePeriodSeconds"), seconds.clone(), words);
            }
        } else if number(own, "successThreshold") != 1 {
            report.invalid(&at.child("successThreshold"), number(own, "successThreshold"), "must be 1");
        }
    }
}

fn probe(around: &Around<'_>, own: &Value, at: &At<'_>, report: &mut Report) {
    handler(around, own, &["exec", "httpGet", "tcpSocket", "grpc"], at, report);
    let numbers = ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];
    for name in numbers {
        let value = number(own, name);
        if value < 0 {
            report.invalid(&at.child(name), value, NOT_NEGATIVE);
        }
    }
    if let Some(seconds) = own["terminationGracePeriodSeconds"].as_i64().filter(|seconds| *seconds <= 0) {
        report.invalid(&at.child("terminationGracePeriodSeconds"), seconds, "must be greater than 0");
    }
}

fn lifecycle(around: &Around<'_>, own: &Value, at: &At<'_>, report: &mut Report) {
    for name in ["postStart", "preStop"] {
        if let Some(hook) = given(own, name) {
            handler(around, hook, &["exec", "httpGet", "tcpSocket", "sleep"], &at.child(name), report);
        }
    }
    let Some(signal) = given(own, "stopSignal") else { return };
    let at = at.child("stopSignal");
    match text(&around.spec["os"], "name") {
        "" if given(around.spec, "os").is_none() => {
            report.forbidden(&at, "may not be set for containers with empty `spec.os.name`");
        }
        "windows" => report.one_of(&at, signal, &["SIGKILL", "SIGTERM"]),
        "linux" => report.one_of(&at, signal, &LINUX_SIGNALS),
        _ => {}
    }
}

fn handler(around: &Around<'_>, own: &Value, kinds: &[&str], at: &At<'_>, report: &mut Report) {
    let mut found = false;
    for kind in kinds {
        let Some(action) = given(own, kind) else { continue };
        let at = at.child(kind);
        if found {
            report.forbidden(&at, "may not specify more than 1 handler type");
            continue;
        }
        found = true;
        match *kind {
            "exec" if items(action, "command").is_empty() => report.required(&at.child("command"), ""),
            "exec" => {}
            "httpGet" => http_get(action, &at, report),
            "sleep" => sleep(around, action, &at, report),
            _ => report.port_or_name(&at.child("port"), &action["port"]),
        }
    }
    if !found {
        report.required(at, "must specify a handler type");
    }
}

fn http_get(action: &Value, at: &At<'_>, report: &mut Report) {
    report.required_text(&at.child("path"), &action["path"]);
    report.port_or_name(&at.child("port"), &action["port"]);
    let scheme = text(action, "scheme");
    if !matches!(scheme, "HTTP" | "HTTPS") {
        report.not_supported(&at.child("scheme"), scheme, &["HTTP", "HTTPS"]);
    }
    for header in items(action, "httpHeaders") {
        let name = text(header, "name");
        report.each(&at.child("httpHeaders"), name, header_name(name));
    }
}

fn sleep(around: &Around<'_>, action: &Value, at: &At<'_>, report: &mut Report) {
    let Some(grace) = around.grace_seconds else { return };
    let seconds = number(action, "seconds");
    if seconds < 0 || seconds > grace {
        let words = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
        report.invalid(at, seconds, words);
    }
}
