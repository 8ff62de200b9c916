//! An accepted event as a JSON line, for `--output`.

use std::io;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::body::{Attribute, Event, Request};

/// Writes the events of one request as lines.
pub(super) struct LineWriter<'r, 'a> {
    request: &'r Request<'a>,
    /// What all lines begin with.
    head: Vec<u8>,
}

impl<'r, 'a> LineWriter<'r, 'a> {
    /// For a request that came over this connection.
    pub(super) fn new(request: &'r Request<'a>, connection: u64) -> io::Result<Self> {
        let mut head = b"{\"session\":".to_vec();
        write_json(&mut head, &*request.session)?;
        head.extend_from_slice(format!(",\"client\":{connection},\"serverHost\":").as_bytes());
        write_raw(&mut head, request.server_host().map_or("null", |value| value.text()));
        Ok(Self { request, head })
    }

    /// Appends the line of an event.
    pub(super) fn write(&self, out: &mut Vec<u8>, event: &Event<'a>, logfile: &str) -> io::Result<()> {
        let threads = &self.request.threads;
        let log = self.request.logs.as_ref().zip(event.log).and_then(|(logs, index)| logs.get(index));
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b",\"thread\":");
        write_json(out, &threads.get(event.thread).map(|thread| &thread.id))?;
        out.extend_from_slice(b",\"log\":");
        write_json(out, &log.map(|log| &log.id))?;
        out.extend_from_slice(b",\"logfile\":");
        write_json(out, logfile)?;
        out.extend_from_slice(b",\"message\":");
        match std::str::from_utf8(&event.message) {
            Ok(text) => write_json(out, text)?,
            Err(_) => {
                out.extend_from_slice(b"{\"$b64\":\"");
                out.extend_from_slice(STANDARD.encode(&event.message).as_bytes());
                out.extend_from_slice(b"\"}");
            }
        }
        out.extend_from_slice(b",\"ts\":\"");
        out.extend_from_slice(itoa::Buffer::new().format(event.ts).as_bytes());
        out.extend_from_slice(b"\",\"si\":");
        write_json(out, &*event.si)?;
        out.extend_from_slice(b",\"sn\":");
        out.extend_from_slice(itoa::Buffer::new().format(event.sn).as_bytes());
        out.extend_from_slice(b",\"attrs\":{");
        let mut first = true;
        for attribute in self.request.inherited(event).chain(last_ones(&event.attrs)) {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            write_json(out, &*attribute.name)?;
            out.push(b':');
            write_raw(out, attribute.value.text());
        }
        out.extend_from_slice(b"}}\n");
        Ok(())
    }
}

/// The attributes without those that a later one of the same name overrides.
fn last_ones<'s, 'a>(attrs: &'s [Attribute<'a>]) -> impl Iterator<Item = &'s Attribute<'a>> {
    // Only `sample_rate` may occur twice.
    let sample_rate = attrs.iter().rposition(|attr| attr.name == "sample_rate");
    let keep = move |index: usize, attr: &Attribute<'_>| attr.name != "sample_rate" || Some(index) == sample_rate;
    attrs.iter().enumerate().filter(move |(index, attr)| keep(*index, attr)).map(|(_, attr)| attr)
}

fn write_json(out: &mut Vec<u8>, value: &(impl serde::Serialize + ?Sized)) -> io::Result<()> {
    Ok(serde_json::to_writer(out, value)?)
}

/// Writes JSON as it was sent; line ends between its tokens, which would break the line, become spaces.
fn write_raw(out: &mut Vec<u8>, json: &str) {
    let begin = out.len();
    out.extend_from_slice(json.as_bytes());
    for byte in &mut out[begin..] {
        if matches!(byte, b'\n' | b'\r') {
            *byte = b' ';
        }
    }
}
