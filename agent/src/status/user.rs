//! Which user the agent runs as.

use std::fs;

/// The name of the user that this process runs as; the number of one that `/etc/passwd` does not name.
pub fn current() -> String {
    let user = rustix::process::geteuid().as_raw();
    name_of(user, &fs::read_to_string("/etc/passwd").unwrap_or_default()).unwrap_or_else(|| user.to_string())
}

/// `passwd(5)`: name, password, number, and more.
fn name_of(user: u32, passwd: &str) -> Option<String> {
    let fields = passwd.lines().map(|line| line.split(':').collect::<Vec<_>>());
    let mut found = fields.filter(|fields| fields.get(2).and_then(|number| number.parse().ok()) == Some(user));
    found.next()?.first().map(|&name| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_known_by_its_name_or_else_by_its_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\n\nbroken\nlogs:x:1001:1001::/home/logs:/bin/sh\n";
        assert_eq!(name_of(0, passwd).as_deref(), Some("root"));
        assert_eq!(name_of(1001, passwd).as_deref(), Some("logs"));
        assert_eq!(name_of(7, passwd), None);
        assert!(!current().is_empty());
    }
}
