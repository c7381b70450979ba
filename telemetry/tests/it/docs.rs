//! The references in the documentation are what the code says.

use std::path::Path;

use mixbed_telemetry::{reference, span_reference};

const BEGIN: &str = "<!-- generated -->\n";
const END: &str = "<!-- end -->";

fn check(page: &str, expected: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(page);
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the page marks its generated part");
    let (found, after) = rest.split_once(END).expect("the page marks the generated part's end");
    if found == expected {
        return;
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{before}{BEGIN}{expected}{END}{after}")).unwrap();
        return;
    }
    panic!(
        "docs/{page} differs from the code; if the code is right, write it anew with\n    \
         UPDATE=1 cargo test -p mixbed-telemetry docs\n\nfound:\n{found}\nexpected:\n{expected}"
    );
}

#[test]
fn metrics_reference_is_current() {
    check("metrics.md", &reference());
}

#[test]
fn tracing_reference_is_current() {
    check("tracing.md", &span_reference());
}
