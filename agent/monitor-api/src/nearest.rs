//! Did you mean: the known names that are most like a wrong one.

/// How alike two names must be, from 0 to 1, for the one to be offered for the other.
pub(crate) const ALIKE: f64 = 0.7;

/// The names most like `word`, best first; at most three.
pub(crate) fn nearest<'n>(word: &str, names: impl IntoIterator<Item = &'n str>) -> Vec<&'n str> {
    best(names.into_iter().map(|name| (likeness(word, name), name)).filter(|(score, _)| *score >= ALIKE).collect())
}

/// Apart from what is made anew for each kind of list.
fn best(mut scored: Vec<(f64, &str)>) -> Vec<&str> {
    scored.sort_by(|(a, a_name), (b, b_name)| b.total_cmp(a).then(a_name.cmp(b_name)));
    scored.dedup_by_key(|(_, name)| *name);
    scored.into_iter().take(3).map(|(_, name)| name).collect()
}

/// How alike two names are, from 0 to 1: few edits, or one is a part of the other between underscores or dots.
pub(crate) fn likeness(word: &str, name: &str) -> f64 {
    let (word, name) = (word.to_lowercase(), name.to_lowercase());
    // The edits of two texts take time by the product of their lengths, and where these differ so much there are many.
    let (short, long) = (word.len().min(name.len()), word.len().max(name.len()));
    let edits = if long > 6 * short { 0.0 } else { strsim::normalized_damerau_levenshtein(&word, &name) };
    let part = |whole: &str, part: &str| part.len() >= 3 && whole.split(['_', '.', '-']).any(|piece| piece == part);
    if part(&word, &name) || part(&name, &word) { edits.max(0.8) } else { edits }
}

/// `` `a`, `b` ``
pub(crate) fn quoted(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_without_measure_is_like_no_other() {
        assert_eq!(nearest(&"k".repeat(1_000_000), ["k", "key"]), [] as [&str; 0]);
        assert_eq!(nearest("hürde", ["hurde", "k"]), ["hurde"]);
        assert_eq!(nearest(&format!("{}_disk", "x".repeat(1000)), ["disk"]), ["disk"]);
    }
}
