//! The configuration: the file, whether it is in use, and what is wrong with it.

use super::html::Html;
use super::table::MOST_ROWS;
use super::units;
use crate::status::{ConfigurationState, Snapshot};

pub(super) fn write(html: &mut Html, snapshot: &Snapshot) {
    let configuration = &snapshot.configuration;
    html.raw("<section id=\"configuration\"><h2>Configuration</h2><p><span class=\"path\">")
        .text(configuration.file.display());
    html.raw("</span>, loaded ").text(units::ago(configuration.loaded, snapshot.now)).raw(", looked at ");
    html.text(units::ago(configuration.last_checked, snapshot.now)).raw(". ");
    if configuration.state == ConfigurationState::NewerAndInvalid {
        html.raw("<b class=\"loss\">The one on disk is newer and invalid");
        if let Some(found) = configuration.found {
            html.raw(", found ").text(units::ago(found, snapshot.now));
        }
        html.raw("; the one before stays in use.</b></p>");
        list(html, &configuration.problems);
        html.raw("<p>Of the one in use:</p>");
        list(html, &snapshot.config_problems);
    } else if snapshot.config_problems.is_empty() {
        html.raw("Nothing is wrong with it.</p>");
    } else {
        html.raw("It is in use, and this is wrong or odd about it:</p>");
        list(html, &snapshot.config_problems);
    }
    if let Some(error) = &snapshot.checkpoint.last_error {
        html.raw("<p><b class=\"loss\">Positions are not saved:</b> <span class=\"path\">");
        html.text(snapshot.checkpoint.path.display()).raw("</span> ").text(error).raw("</p>");
    }
    html.raw("</section>\n");
}

fn list(html: &mut Html, problems: &[String]) {
    if problems.is_empty() {
        html.raw("<p>Nothing is wrong with it.</p>");
        return;
    }
    html.raw("<ul class=\"problems\">");
    for problem in problems.iter().take(MOST_ROWS) {
        html.raw("<li>").text(problem).raw("</li>");
    }
    html.raw("</ul>");
    if let Some(more @ 1..) = problems.len().checked_sub(MOST_ROWS) {
        html.raw("<p class=\"rest\">And ").text(more).raw(" more; <code>agent check</code> tells all of them.</p>");
    }
}
