//! What package managers run around an installation.

/// The scripts of a `.deb`, each POSIX sh; an empty one is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct DebScripts {
    pub(crate) preinst: String,
    pub(crate) postinst: String,
    pub(crate) prerm: String,
    pub(crate) postrm: String,
}

/// The scripts of a `.rpm`, each POSIX sh; an empty one is left out.
#[derive(Clone, Debug, Default)]
pub(crate) struct RpmScripts {
    pub(crate) pre: String,
    pub(crate) post: String,
    pub(crate) preun: String,
    pub(crate) postun: String,
    pub(crate) posttrans: String,
}
