//! Finds secrets in a text of which nothing else is known: a comment, a line with a quote too few.

use std::ops::Range;

use super::SecretNames;

/// The ranges of what follows a secret's name and a `:` or `=`, and of the user and password of an address, with a scheme
/// or without. `base` is where the text begins in the whole.
pub(crate) fn secrets(text: &str, base: usize, names: &SecretNames, found: &mut Vec<Range<usize>>) {
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let length = rest.find(|c| !is_of_name(c)).unwrap_or(rest.len());
        let (name, behind) = rest.split_at(length);
        if name.is_empty() {
            if let Some(user) = behind.strip_prefix("://").and_then(user_of_url) {
                found.push(base + at + 3..base + at + 3 + user.len());
            }
            if behind.starts_with('@')
                && let Some(user) = user_before(text.get(..at).unwrap_or_default())
            {
                found.push(base + at - user.len()..base + at);
            }
            at += behind.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        at += length;
        if names.holds_secret(name)
            && let Some(value) = value_behind(behind)
        {
            found.push(base + at + value.start..base + at + value.end);
        }
    }
}

fn is_of_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '-' | '$' | '.' | '\\')
}

/// The part of an authority before the `@`.
fn user_of_url(authority: &str) -> Option<&str> {
    let end = authority.find(|c: char| c.is_whitespace() || matches!(c, '/' | '"' | '\'' | '?' | '#'));
    let authority = &authority[..end.unwrap_or(authority.len())];
    authority.rsplit_once('@').map(|(user, _)| user).filter(|user| !user.is_empty())
}

/// User and password that stand before the `@` of an address without a scheme, as in `me:password@proxy:3128`.
fn user_before(text: &str) -> Option<&str> {
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '/' | ',' | '{' | '[');
    let user =
        text.rfind(is_end).map_or(text, |end| &text[end + text[end..].chars().next().map_or(1, char::len_utf8)..]);
    user.contains(':').then_some(user)
}

/// The value behind a name, without its quotes.
fn value_behind(text: &str) -> Option<Range<usize>> {
    let behind_name = text.strip_prefix(['"', '\'']).unwrap_or(text).trim_start_matches([' ', '\t']);
    let value = behind_name.strip_prefix([':', '='])?.trim_start_matches([' ', '\t']);
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let start = text.len() - value.len() + usize::from(quote.is_some());
    let value = &text[start..];
    let end = match quote {
        Some(quote) => end_of_quoted(value, quote),
        None => value.find(|c: char| c.is_whitespace() || matches!(c, ',' | '}' | ']' | '{' | '[' | '"' | '\'')),
    };
    let end = start + end.unwrap_or(value.len());
    (end > start).then_some(start..end)
}

/// Where the closing quote stands.
pub(crate) fn end_of_quoted(text: &str, quote: char) -> Option<usize> {
    let mut is_escaped = false;
    text.char_indices().find_map(|(at, c)| {
        let is_end = matches!(c, '\n' | '\r') || c == quote && !is_escaped;
        is_escaped = c == '\\' && !is_escaped;
        is_end.then_some(at)
    })
}
