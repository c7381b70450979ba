//! A way as a table for the terminal.

use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{Cell, CellAlignment, ColumnConstraint, Table};

use super::way::{Call, HopRow, PacketWay, Way};

const HEADER: [&str; COLUMNS] =
    ["way", "node", "role", "queue", "unwrap", "delay asked", "held", "link", "impaired", "in all"];

const COLUMNS: usize = 10;

/// How much of a time is an impairment's: shown where there is any.
const IMPAIRED: usize = 8;

/// Columns from this one on are numbers.
const FIRST_NUMBER: usize = 3;

/// Every packet's hops, a table each.
pub(crate) fn render(way: &Way) -> String {
    let several = way.packets.len() > 1;
    let tables = way.packets.iter().enumerate().map(|(number, packet)| {
        let title = if several { title(number, way.packets.len(), packet) } else { String::new() };
        title + &table(packet)
    });
    tables.collect::<Vec<_>>().join("\n\n")
}

fn title(number: usize, of: usize, packet: &PacketWay) -> String {
    let part = match (packet.fragment, packet.attempt) {
        (Some(fragment), 1) => format!(", part {}", fragment + 1),
        (Some(fragment), attempt) => format!(", part {} (try {attempt})", fragment + 1),
        (None, _) => ", asking for the answer".to_owned(),
    };
    let end = packet.error.as_ref().map(|why| format!(": {why}")).unwrap_or_default();
    format!("packet {} of {of}{part}{end}\n", number + 1)
}

fn table(packet: &PacketWay) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(HEADER.map(heading));
    for hop in &packet.there {
        table.add_row(cells(hop_row("there", hop)));
    }
    if let Some(submit) = &packet.submit {
        table.add_row(cells(call_row("submit", submit)));
    }
    if let Some(monerod) = &packet.monerod {
        table.add_row(cells(call_row("monerod", monerod)));
    }
    for hop in &packet.back {
        table.add_row(cells(hop_row("back", hop)));
    }
    if packet.there.is_empty() && packet.back.is_empty() {
        return "no hops here: the nodes are other processes, which send their spans to the \
                collector that --otlp names"
            .to_owned();
    }
    table.add_row(cells(sums(packet)));
    for column in FIRST_NUMBER..HEADER.len() {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let impaired = packet.there.iter().chain(&packet.back).any(|hop| hop.impaired.is_some());
    if let (false, Some(column)) = (impaired, table.column_mut(IMPAIRED)) {
        column.set_constraint(ColumnConstraint::Hidden);
    }
    table.trim_fmt()
}

fn heading(text: &str) -> Cell {
    Cell::new(text)
}

fn cells(texts: [String; COLUMNS]) -> Vec<Cell> {
    texts.into_iter().map(Cell::new).collect()
}

fn hop_row(way: &str, hop: &HopRow) -> [String; COLUMNS] {
    let all = match hop.outcome.as_str() {
        "forwarded" | "delivered" => duration(hop.stay()),
        dropped => dropped.to_owned(),
    };
    [
        way.to_owned(),
        hop.node.clone(),
        hop.role.clone(),
        duration(hop.queue_wait),
        duration(hop.unwrap),
        optional(hop.delay_asked),
        optional(hop.delay_held),
        optional(hop.link),
        optional(hop.impaired),
        all,
    ]
}

fn call_row(what: &str, call: &Call) -> [String; COLUMNS] {
    let mut row: [String; COLUMNS] = Default::default();
    [row[1], row[2]] = [call.node.clone(), what.to_owned()];
    row[COLUMNS - 1] = duration(call.took);
    row
}

fn sums(packet: &PacketWay) -> [String; COLUMNS] {
    let hops = || packet.there.iter().chain(&packet.back);
    let sum = |part: fn(&HopRow) -> Option<Duration>| duration(hops().filter_map(part).sum());
    [
        "sum".to_owned(),
        format!("{} hops", hops().count()),
        String::new(),
        sum(|hop| Some(hop.queue_wait)),
        sum(|hop| Some(hop.unwrap)),
        sum(|hop| hop.delay_asked),
        sum(|hop| hop.delay_held),
        sum(|hop| hop.link),
        sum(|hop| hop.impaired),
        sum(|hop| Some(hop.stay())),
    ]
}

fn optional(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), duration)
}

/// A length of time with three digits or so.
pub(crate) fn duration(time: Duration) -> String {
    let micros = time.as_micros();
    match micros {
        0..=999 => format!("{micros} µs"),
        1_000..=99_999 => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        100_000..=999_999 => format!("{:.0} ms", time.as_secs_f64() * 1e3),
        _ => format!("{:.2} s", time.as_secs_f64()),
    }
}

/// A duration in whole seconds, for what is longer than that.
pub(crate) fn rough(time: Duration) -> humantime::FormattedDuration {
    humantime::format_duration(Duration::from_secs(time.as_secs()))
}

/// A number of packets in words.
pub(crate) fn packet_count(count: u64) -> String {
    if count == 1 { "1 packet".to_owned() } else { format!("{count} packets") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::way::tests::spans;

    #[test]
    fn every_hop_has_a_row_with_its_times() {
        let table = render(&Way::read(&spans()));
        let lines: Vec<_> = table.lines().collect();
        assert_eq!(lines.len(), 1 + 5 + 2 + 6 + 1, "{table}");
        assert!(lines[0].contains("delay asked"), "{table}");
        let words: Vec<_> = lines[1].split_whitespace().collect();
        assert_eq!(words[..3], ["there", "gateway-0", "gateway"], "{table}");
        assert!(lines[1].contains("100 µs") && lines[1].contains("40.0 ms"), "{table}");
        assert!(lines[14].contains("11 hops"), "{table}");
        assert!(!table.contains("packet 1"), "one packet needs no title");
    }

    #[test]
    fn several_packets_have_titles() {
        let mut way = Way::read(&spans());
        way.packets.push(PacketWay { attempt: 2, fragment: Some(0), ..way.packets[0].clone() });
        way.packets[0].error = Some("no answer in time".to_owned());
        let text = render(&way);
        assert!(text.contains("packet 2 of 2, part 1 (try 2)"), "{text}");
        assert!(text.contains("no answer in time"), "{text}");
    }

    #[test]
    fn what_impairments_added_is_shown_where_there_is_any() {
        let mut way = Way::read(&spans());
        assert!(!render(&way).contains("impaired"));
        way.packets[0].there[1].impaired = Some(Duration::from_millis(70));
        let text = render(&way);
        let lines: Vec<_> = text.lines().collect();
        assert!(lines[0].contains("impaired"), "{text}");
        assert!(lines[2].contains("70.0 ms") && lines[14].contains("70.0 ms"), "{text}");
    }

    #[test]
    fn without_hops_it_says_where_they_are() {
        let spans: Vec<_> = spans().into_iter().filter(|span| span.hop().is_none()).collect();
        assert!(render(&Way::read(&spans)).contains("--otlp"));
    }

    #[test]
    fn durations_have_units() {
        let micros = Duration::from_micros;
        assert_eq!(duration(micros(7)), "7 µs");
        assert_eq!(duration(micros(1_500)), "1.5 ms");
        assert_eq!(duration(micros(123_456)), "123 ms");
        assert_eq!(duration(micros(2_345_678)), "2.35 s");
    }
}
