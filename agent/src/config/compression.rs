//! How request bodies are compressed: `compression_type` and `compression_level` (`configuration.md` section 8.2).

use std::fmt;

use super::keys::{self, COMPRESSIONS};
use super::report::{Kind, Report};
use super::settings::Settings;
use super::value;

/// How a request body is compressed. A level that a type does not have cannot be written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// `none`: not at all.
    None,
    /// `deflate`: zlib streams.
    Deflate(DeflateLevel),
    /// `bz2`.
    Bz2(Bz2Level),
    /// `lz4`: LZ4 frames.
    Lz4(Lz4Level),
    /// `zstandard`: Zstandard frames.
    Zstandard(ZstandardLevel),
}

/// A level from `LEAST` to `MOST`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct CompressionLevel<const LEAST: u8, const MOST: u8>(u8);

/// 1 to 9, as zlib has them.
pub type DeflateLevel = CompressionLevel<1, 9>;
/// 1 to 9: the size of a block in units of 100,000 bytes.
pub type Bz2Level = CompressionLevel<1, 9>;
/// 0 to 16, as the reference has them.
pub type Lz4Level = CompressionLevel<0, 16>;
/// 1 to 22.
pub type ZstandardLevel = CompressionLevel<1, 22>;

impl<const LEAST: u8, const MOST: u8> CompressionLevel<LEAST, MOST> {
    /// The lowest one.
    pub const LEAST: Self = Self(LEAST);
    /// The highest one.
    pub const MOST: Self = Self(MOST);

    /// The level with this number, if there is one.
    pub const fn new(level: u8) -> Option<Self> {
        if level >= LEAST && level <= MOST { Some(Self(level)) } else { None }
    }

    /// The level with this number, or the nearest one that there is.
    pub const fn nearest(level: u8) -> Self {
        if level < LEAST {
            Self(LEAST)
        } else if level > MOST {
            Self(MOST)
        } else {
            Self(level)
        }
    }

    /// Its number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// All of them, from the lowest on.
    pub fn all() -> impl Iterator<Item = Self> {
        (LEAST..=MOST).map(Self)
    }
}

/// The number alone.
impl<const LEAST: u8, const MOST: u8> fmt::Debug for CompressionLevel<LEAST, MOST> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What is used when the user names no level: the cheapest one with which no more is sent than the Python agent sends
/// with its own default, as measured in `docs/compression.md`.
impl Compression {
    /// `deflate` at its default level.
    pub const DEFLATE: Self = Self::Deflate(CompressionLevel(1));
    /// `bz2` at its default level.
    pub const BZ2: Self = Self::Bz2(CompressionLevel(1));
    /// `lz4` at its default level.
    pub const LZ4: Self = Self::Lz4(CompressionLevel(0));
    /// `zstandard` at its default level.
    pub const ZSTANDARD: Self = Self::Zstandard(CompressionLevel(1));

    /// The type of this name, as the configuration has it, at its default level; `None` when there is no such type.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "none" => Some(Self::None),
            "deflate" => Some(Self::DEFLATE),
            "bz2" => Some(Self::BZ2),
            "lz4" => Some(Self::LZ4),
            "zstandard" => Some(Self::ZSTANDARD),
            _ => None,
        }
    }

    /// The same type at another level; `None` when it does not have that.
    pub fn at_level(self, level: i64) -> Option<Self> {
        let level = u8::try_from(level).ok()?;
        match self {
            Self::None => (level == 0).then_some(self),
            Self::Deflate(_) => CompressionLevel::new(level).map(Self::Deflate),
            Self::Bz2(_) => CompressionLevel::new(level).map(Self::Bz2),
            Self::Lz4(_) => CompressionLevel::new(level).map(Self::Lz4),
            Self::Zstandard(_) => CompressionLevel::new(level).map(Self::Zstandard),
        }
    }

    /// The name of its type in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Deflate(_) => "deflate",
            Self::Bz2(_) => "bz2",
            Self::Lz4(_) => "lz4",
            Self::Zstandard(_) => "zstandard",
        }
    }

    /// The number of its level; 0 without compression.
    pub fn level(self) -> u8 {
        match self {
            Self::None => 0,
            Self::Deflate(level) => level.get(),
            Self::Bz2(level) => level.get(),
            Self::Lz4(level) => level.get(),
            Self::Zstandard(level) => level.get(),
        }
    }

    /// The lowest and the highest level of its type.
    fn levels(self) -> (u8, u8) {
        match self {
            Self::None => (0, 0),
            Self::Deflate(_) => (DeflateLevel::LEAST.get(), DeflateLevel::MOST.get()),
            Self::Bz2(_) => (Bz2Level::LEAST.get(), Bz2Level::MOST.get()),
            Self::Lz4(_) => (Lz4Level::LEAST.get(), Lz4Level::MOST.get()),
            Self::Zstandard(_) => (ZstandardLevel::LEAST.get(), ZstandardLevel::MOST.get()),
        }
    }
}

/// From the keys at the top level.
pub(super) fn read(settings: &Settings<'_>, report: &mut Report) -> Compression {
    let name = settings.text("compression_type").unwrap_or_default();
    let Some(default) = Compression::named(name) else {
        let message = format!("{} is none of {}; deflate is used", value::shown(&name.into()), COMPRESSIONS.join(", "));
        let problem = report.refuse("compression_type", message).kind(Kind::Choice);
        let meant = COMPRESSIONS.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
        if let Some(near) = meant.or_else(|| keys::nearest_name(name, COMPRESSIONS.iter().copied())) {
            problem.hint(format!("did you mean \"{near}\"?"));
        }
        return Compression::DEFLATE;
    };
    if default == Compression::None {
        report.warn("compression_type", "is none: about ten times as much is sent as with deflate");
    }
    let Some(level) = settings.integer("compression_level") else { return default };
    default.at_level(level).unwrap_or_else(|| {
        let allowed = match default.levels() {
            (least, most) if least == most => format!("{level} is no level of {name}, which has only {least}"),
            (least, most) => format!("{level} is outside {least} to {most}, the levels of {name}"),
        };
        let message = format!("{allowed}; the default {} is used", default.level());
        report.warn("compression_level", message).kind(Kind::Range);
        default
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_of_the_table_of_keys_is_there_with_its_levels() {
        for name in COMPRESSIONS {
            let compression = Compression::named(name).unwrap();
            assert_eq!(compression.name(), *name);
            let (least, most) = compression.levels();
            assert!((least..=most).contains(&compression.level()));
            for level in -300..300 {
                let at = compression.at_level(level);
                assert_eq!(at.is_some(), (i64::from(least)..=i64::from(most)).contains(&level), "{name} {level}");
                assert!(at.is_none_or(|at| at.name() == *name && i64::from(at.level()) == level));
            }
        }
        assert_eq!(Compression::named("gzip"), None);
    }

    #[test]
    fn a_level_is_never_out_of_range() {
        assert_eq!(DeflateLevel::new(0), None);
        assert_eq!(DeflateLevel::new(10), None);
        assert_eq!(DeflateLevel::nearest(0), DeflateLevel::LEAST);
        assert_eq!(ZstandardLevel::nearest(200), ZstandardLevel::MOST);
        assert_eq!(Lz4Level::all().count(), 17);
    }
}
