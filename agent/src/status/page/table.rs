//! A table that becomes a list of cards on a phone.

use std::fmt::Display;

use super::html::Html;

/// So many rows a table has at most; the rest is summed up below it.
pub(super) const MOST_ROWS: usize = 200;

/// A table in the making.
pub(super) struct Table<'a> {
    html: &'a mut Html,
    columns: &'static [Column],
    at: usize,
}

/// A heading, and whether figures stand below it.
pub(super) type Column = (&'static str, bool);

impl<'a> Table<'a> {
    /// Begins a section with a table.
    pub(super) fn begin(html: &'a mut Html, id: &'static str, title: &'static str, columns: &'static [Column]) -> Self {
        html.raw("<section id=\"").raw(id).raw("\"><h2>").raw(title).raw("</h2><div class=\"wide\"><table><thead><tr>");
        for (name, is_figure) in columns {
            html.raw("<th scope=\"col\"").raw(if *is_figure { " class=\"n\">" } else { ">" }).raw(name).raw("</th>");
        }
        html.raw("</tr></thead><tbody>");
        Self { html, columns, at: 0 }
    }

    /// Begins a row.
    pub(super) fn row(&mut self, class: &'static str) {
        self.at = 0;
        self.html.raw("<tr class=\"").raw(class).raw("\">");
    }

    /// The next cell of the row.
    pub(super) fn cell(&mut self, write: impl FnOnce(&mut Html)) {
        self.cell_of("", write);
    }

    /// The next cell, with nothing to tell: a phone leaves it out.
    pub(super) fn none(&mut self) {
        self.cell_of("none ", |html| {
            html.raw("–");
        });
    }

    fn cell_of(&mut self, class: &'static str, write: impl FnOnce(&mut Html)) {
        let (name, is_figure) = self.columns.get(self.at).copied().unwrap_or_default();
        let first = if self.at == 0 { "head " } else { "" };
        self.at += 1;
        self.html.raw("<td data-label=\"").raw(name).raw("\" class=\"").raw(class).raw(first).raw(if is_figure {
            "n\">"
        } else {
            "\">"
        });
        write(self.html);
        self.html.raw("</td>");
    }

    /// The next cell, with a text in it.
    pub(super) fn text(&mut self, text: impl Display) {
        self.cell(|html| {
            html.text(text);
        });
    }

    /// Ends the row.
    pub(super) fn end_row(&mut self) {
        self.html.raw("</tr>");
    }

    /// Ends the table. `rest` is the sentence about the rows that have no place in it, or about there being none.
    pub(super) fn end(self, rest: impl Display) {
        let rest = rest.to_string();
        self.html.raw("</tbody></table></div>");
        if !rest.is_empty() {
            self.html.element("p", "rest", rest);
        }
        self.html.raw("</section>\n");
    }
}
