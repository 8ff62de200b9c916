//! What is hidden in texts of others: answers of servers and proxies, which may echo what they were sent, or what another
//! session of ours sent them.

use std::fmt::{self, Write as _};
use std::ops::Range;
use std::sync::{Arc, PoisonError, RwLock};

use crate::order;

use super::effective::MASKED;
use super::plan::{ApiKey, ProxyPlan};

/// A shorter word would be found everywhere.
const LEAST: usize = 3;

/// So many words of earlier configurations are still hidden: requests with them may be on their way.
const MOST_FORMER: usize = 1000;

/// Every api key and proxy password of the configuration, and those of the configurations before. Clones are the same.
#[derive(Clone, Default)]
pub struct Hidden(Arc<RwLock<Vec<String>>>);

/// None of the words.
impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(MASKED)
    }
}

/// A session goes on as it is when another one's key has changed; see [`Hidden::follow`].
impl PartialEq for Hidden {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Hidden {
    /// Hides a key from now on.
    pub fn hide_key(&self, key: &ApiKey) {
        self.hide(key.reveal());
    }

    /// Hides a proxy's password from now on, and what is sent of it.
    pub fn hide_proxy(&self, proxy: &ProxyPlan) {
        proxy.secrets().iter().for_each(|secret| self.hide(secret));
    }

    fn hide(&self, secret: &str) {
        if secret.chars().count() >= LEAST {
            let mut words = self.0.write().unwrap_or_else(PoisonError::into_inner);
            for spelling in spellings(secret) {
                if !words.contains(&spelling) {
                    words.push(spelling);
                }
            }
        }
    }

    /// From now on this one and that of the configuration before are the same, so that sessions that stay hide the new
    /// words, and new sessions the old ones.
    pub fn follow(&mut self, former: &Self) {
        if Arc::ptr_eq(&self.0, &former.0) {
            return;
        }
        let new = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        let mut words = former.0.write().unwrap_or_else(PoisonError::into_inner);
        words.retain(|word| !new.contains(word));
        let too_many = words.len().saturating_sub(MOST_FORMER);
        words.drain(..too_many);
        words.extend(new);
        drop(words);
        *self = former.clone();
    }

    /// The text without any of it.
    pub fn masked(&self, text: &str) -> String {
        let words = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let of_word = |word: &String| text.match_indices(word.as_str()).map(|(at, it)| at..at + it.len()).collect();
        let mut found: Vec<Range<usize>> = words.iter().flat_map(|word| -> Vec<_> { of_word(word) }).collect();
        order::by_key(&mut found, |range| range.start);
        let mut masked = String::new();
        let mut end = 0;
        for range in found {
            // Where two overlap, all of both is hidden.
            if range.start >= end {
                masked.push_str(&text[end..range.start]);
                masked.push_str(MASKED);
            }
            end = end.max(range.end);
        }
        masked + &text[end..]
    }
}

/// How it may stand in a text: as it is, in JSON (of those who escape `/` and of others, all or only what must be), in HTML
/// and in a URL.
fn spellings(secret: &str) -> Vec<String> {
    let quoted = serde_json::Value::from(secret).to_string();
    let json = quoted.get(1..quoted.len() - 1).unwrap_or(secret).to_owned();
    let mut ascii = String::new();
    for unit in json.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => ascii.push(char::from(byte)),
            _ => _ = write!(ascii, "\\u{unit:04x}"),
        }
    }
    let mut html = String::new();
    for c in secret.chars() {
        match c {
            '&' => html.push_str("&amp;"),
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '"' => html.push_str("&quot;"),
            '\'' => html.push_str("&#39;"),
            c => html.push(c),
        }
    }
    let mut url = String::new();
    for byte in secret.bytes() {
        match byte {
            b'-' | b'.' | b'_' | b'~' => url.push(char::from(byte)),
            byte if byte.is_ascii_alphanumeric() => url.push(char::from(byte)),
            byte => _ = write!(url, "%{byte:02X}"),
        }
    }
    let slashes = [json.replace('/', "\\/"), ascii.replace('/', "\\/")];
    let mut spellings = vec![secret.to_owned(), json, ascii, html, url];
    spellings.extend(slashes);
    order::by(&mut spellings, Ord::cmp);
    spellings.dedup();
    spellings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hiding(keys: &[&str]) -> Hidden {
        let hidden = Hidden::default();
        keys.iter().for_each(|key| hidden.hide_key(&ApiKey::new(*key)));
        hidden
    }

    #[test]
    fn a_secret_is_hidden_however_it_is_spelt() {
        let hidden = hiding(&["se\"c/r<é"]);
        for text in [
            "se\"c/r<é",
            "se\\\"c/r<é",
            "se\\\"c\\/r<é",
            "se\\\"c\\/r<\\u00e9",
            "se&quot;c/r&lt;é",
            "se%22c%2Fr%3C%C3%A9",
        ] {
            assert_eq!(hidden.masked(&format!("<{text}>")), format!("<{MASKED}>"), "{text}");
        }
        assert_eq!(hidden.masked("nothing of it"), "nothing of it");
        assert_eq!(format!("{hidden:?}"), MASKED);
    }

    #[test]
    fn nothing_is_left_of_secrets_that_overlap_or_begin_alike_or_stand_in_the_mask() {
        let hidden = hiding(&["abc", "abcdef", "efgh", "MASKED", "***"]);
        assert_eq!(hidden.masked("abcdef abcdefgh abcd"), format!("{MASKED} {MASKED} {MASKED}d"));
        assert_eq!(hiding(&["", "k", "ab"]).masked("abk"), "abk");
    }

    #[test]
    fn sessions_that_stay_hide_the_keys_of_new_ones_and_the_other_way_round() {
        let (staying, mut new) = (hiding(&["old-key", "same"]), hiding(&["new-key", "same"]));
        new.follow(&staying);
        for hidden in [&staying, &new] {
            assert_eq!(hidden.masked("old-key new-key same"), [MASKED; 3].join(" "));
        }
        for round in 0..2000 {
            hiding(&[&format!("key-{round}")]).follow(&staying);
        }
        assert_eq!(staying.masked("key-1999 key-1"), format!("{MASKED} key-1"), "it does not grow for ever");
    }
}
