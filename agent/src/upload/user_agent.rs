//! The `User-Agent` header: which agent talks, from what kind of host (`wire-protocol.md` section 2).

/// The header of an agent with one upload session:
/// `Linux-<kernel release>-<architecture>;rust-<version>;agent-<version>;a-<1 for root>;mw-0`.
///
/// Two parts differ from the Python agent: the libc is left out of the platform, and the OpenSSL part, which we have
/// none of, too.
pub fn user_agent() -> String {
    let system = rustix::system::uname();
    let platform = [system.sysname(), system.release(), system.machine()]
        .map(|part| part.to_string_lossy().into_owned())
        .join("-");
    compose(&platform, rustix::process::geteuid().is_root())
}

fn compose(platform: &str, root: bool) -> String {
    // Only what may stand in a header; a semicolon would begin another part.
    let platform: String = platform.chars().map(|c| if c.is_ascii_graphic() && c != ';' { c } else { '_' }).collect();
    let rust = env!("CARGO_PKG_RUST_VERSION");
    let agent = env!("CARGO_PKG_VERSION");
    format!("{platform};rust-{rust};agent-{agent};a-{};mw-0", u8::from(root))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_stand_in_the_order_of_the_protocol() {
        let version = env!("CARGO_PKG_VERSION");
        let expected = format!("Linux-6.1.0-x86_64;rust-1.95;agent-{version};a-1;mw-0");
        assert_eq!(compose("Linux-6.1.0-x86_64", true), expected);
        assert_eq!(user_agent().split(';').count(), 5);
    }

    #[test]
    fn a_strange_kernel_name_cannot_break_the_header() {
        assert!(compose("Linux 6.1;\r\nX-Evil: 1é", false).starts_with("Linux_6.1___X-Evil:_1_;rust-"));
    }
}
