//! Lines are packed without taking memory for each of them, or for each batch.

use allocation_counter::measure;
use scalyr_monitor::Timestamp;

use super::fixture::File;
use crate::config::plan::ApiKey;
use crate::ledger::Ledger;
use crate::upload::request::{Ending, Pushed, Request, Unpacked};
use crate::upload::wire::Head;

const LINE: &[u8] = b"10.0.0.1 - - [12/Mar/2026:10:00:00 +0000] \"GET /index.html HTTP/1.1\" 200 512\n";

#[test]
fn a_request_that_was_used_before_takes_thousands_of_lines_without_memory() {
    let ledger = Ledger::new();
    let mut files = [File::new(&ledger, "/a", "{}"), File::new(&ledger, "/b", "{\"parser\":\"b\"}")];
    let head = Head::new(&ApiKey::new("k"), "session", &serde_json::Map::new());
    let mut request = Request::default();
    let mut allocations = || {
        // In turns: each switch from one file to another says the sequence anew.
        let mut batches: Vec<_> = (0..6).map(|turn| Unpacked::new(files[turn % 2].batch(&[LINE; 1000]))).collect();
        let made = measure(|| {
            request.begin(&head);
            for batch in &mut batches {
                assert_eq!(request.push(batch, 5_900_000), Pushed::All);
            }
            request.body_mut().close(Timestamp::from_millis(1_795_355_310_507));
            assert_eq!(request.body().events(), 6000);
            request.settle(Ending::Accepted);
        });
        made.count_total
    };
    assert!(allocations() > 0, "the buffers get their size");
    assert_eq!(allocations(), 0);
}
