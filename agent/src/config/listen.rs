//! `status_listen`: where the status is served over HTTP.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::Value;

use super::plan::ListenPlan;
use super::report::{Kind, Report};
use super::settings::Settings;
use super::value;

const KEY: &str = "status_listen";

/// The plan of the listener; none when the user gave no address, or one that is reported.
pub(super) fn plan(settings: &Settings<'_>, host_name: &str, report: &mut Report) -> Option<ListenPlan> {
    let text = settings.text(KEY)?.trim();
    if text.is_empty() {
        return None;
    }
    let Some(address) = address(text) else {
        let shown = value::shown(&Value::from(text));
        let message = format!(
            "{shown} is no address to listen on: it must be an IP address and a port, such as \"127.0.0.1:8126\"; nothing \
             listens"
        );
        let problem = report.refuse(KEY, message).kind(Kind::Value);
        if let Some(meant) = meant(text) {
            problem.hint(format!("did you mean \"{meant}\"?"));
        }
        return None;
    };
    if !address.ip().is_loopback() {
        let message = format!(
            "{address} can be reached by other hosts, and the status is served without a password and unencrypted: whoever \
             reaches it reads the paths of files, the names of servers and the texts of errors"
        );
        let hint = format!("listen on \"127.0.0.1:{}\", or let a firewall decide who gets there", address.port());
        report.warn(KEY, message).hint(hint);
    }
    Some(ListenPlan { address, host_name: host_name.to_owned() })
}

/// `127.0.0.1:80`, `[::1]:80`, `localhost:80`.
fn address(text: &str) -> Option<SocketAddr> {
    let of_localhost = || {
        let (name, port) = text.rsplit_once(':')?;
        let port = port.parse().ok().filter(|_| name.eq_ignore_ascii_case("localhost"))?;
        Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))
    };
    text.parse().ok().or_else(of_localhost)
}

/// What was meant by a port, or by an address, alone, or with a scheme.
fn meant(text: &str) -> Option<SocketAddr> {
    /// Any free one will do.
    const PORT: u16 = 8126;
    let text = text.strip_prefix("http://").unwrap_or(text).trim_end_matches('/');
    let port = text.trim_start_matches(['*', ':']);
    let ip = text.trim_start_matches('[').trim_end_matches(']');
    address(text)
        // Before the port: that of `::1` would be 1.
        .or_else(|| Some(SocketAddr::from((ip.parse::<IpAddr>().ok()?, PORT))))
        .or_else(|| Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port.parse().ok()?))))
}

#[cfg(test)]
mod tests {
    use super::super::keys;
    use super::super::settings::Scope;
    use super::*;

    fn read(text: &str) -> (Option<String>, Vec<String>) {
        let mut report = Report::new("/etc/agent.json");
        let values = serde_json::json!({ KEY: text }).as_object().cloned().unwrap();
        let settings = Settings::read(&values, keys::GLOBAL, "", Scope::Global, &mut report);
        let plan = plan(&settings, "host", &mut report);
        (plan.map(|plan| plan.address.to_string()), report.problems().iter().map(|problem| problem.text()).collect())
    }

    #[test]
    fn an_address_with_a_port_is_taken_and_nothing_is_said_of_a_loopback_one() {
        for (text, address) in [
            ("127.0.0.1:8126", "127.0.0.1:8126"),
            ("[::1]:0", "[::1]:0"),
            (" localhost:80 ", "127.0.0.1:80"),
            ("127.9.9.9:1", "127.9.9.9:1"),
        ] {
            assert_eq!(read(text), (Some(address.to_owned()), vec![]));
        }
        assert_eq!(read(""), (None, vec![]));
    }

    #[test]
    fn an_address_that_others_reach_is_taken_with_a_warning_that_names_the_risk() {
        for address in ["0.0.0.0:8126", "[::]:8126", "192.0.2.7:8126"] {
            let (taken, problems) = read(address);
            assert_eq!(taken.as_deref(), Some(address));
            assert!(problems.len() == 1 && problems[0].contains("without a password"), "{problems:?}");
            assert!(problems[0].contains("listen on \"127.0.0.1:8126\""), "{problems:?}");
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_what_was_meant() {
        for (text, meant) in [
            ("8126", Some("127.0.0.1:8126")),
            (":8126", Some("127.0.0.1:8126")),
            ("*:99", Some("127.0.0.1:99")),
            ("127.0.0.1", Some("127.0.0.1:8126")),
            ("::1", Some("[::1]:8126")),
            ("http://127.0.0.1:80/", Some("127.0.0.1:80")),
            ("unix:/run/x", None),
            ("127.0.0.1:99999", None),
        ] {
            let (taken, problems) = read(text);
            assert_eq!(taken, None, "{text}");
            assert!(problems.len() == 1 && problems[0].contains("is no address to listen on"), "{problems:?}");
            assert_eq!(problems[0].contains("did you mean"), meant.is_some(), "{problems:?}");
            assert!(meant.is_none_or(|meant| problems[0].contains(&format!("\"{meant}\"?"))), "{problems:?}");
        }
    }
}
