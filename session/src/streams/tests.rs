//! Streams without packets: two ends that hand each other frames.

use crate::{Code, Event, Limits, Read, Reason, frame::Frame};

use super::*;

/// Hands all that one end has to say to the other. What is lost on the way is told as lost.
fn hand_over(from: &mut Streams, to: &mut Streams, lose: bool) -> usize {
    let mut packets = 0;
    while from.is_due() {
        let (mut packet, mut contents) = (Vec::new(), Vec::new());
        from.fill(&mut packet, 2_600, &mut contents);
        assert!(packet.len() <= 2_600 && !contents.is_empty());
        packets += 1;
        if lose {
            for content in contents {
                from.lost(content);
            }
            return packets;
        }
        for frame in Frame::decode(&packet).expect("frames") {
            assert_eq!(to.handle(&frame), Ok(true));
        }
        for content in contents {
            from.arrived(content);
        }
    }
    packets
}

fn both() -> (Streams, Streams, StreamId) {
    let mut client = Streams::new(Side::Client, Limits::default());
    let mut provider = Streams::new(Side::Provider, Limits::default());
    let id = client.open("tcp", "x:1").expect("a stream opens");
    hand_over(&mut client, &mut provider, false);
    assert!(matches!(provider.poll_event(), Some(Event::Asked { .. })));
    provider.grant(id);
    hand_over(&mut provider, &mut client, false);
    assert_eq!(client.poll_event(), Some(Event::Granted(id)));
    (client, provider, id)
}

fn read_all(streams: &mut Streams, id: StreamId) -> Result<(usize, bool), Reason> {
    let (mut total, mut into) = (0, [0; 1_000]);
    loop {
        match streams.read(id, &mut into)? {
            Read::Data(length) => total += length,
            Read::Nothing => return Ok((total, false)),
            Read::End => return Ok((total, true)),
        }
    }
}

#[test]
fn what_is_lost_goes_again() {
    let (mut client, mut provider, id) = both();
    assert_eq!(client.write(id, &[1; 5_000]), Ok(5_000));
    client.finish(id);
    hand_over(&mut client, &mut provider, true);
    assert_eq!(client.waiting(), 5_000);
    hand_over(&mut client, &mut provider, false);
    assert_eq!(provider.poll_event(), Some(Event::Readable(id)));
    assert_eq!(provider.poll_event(), None, "told once");
    assert_eq!(read_all(&mut provider, id), Ok((5_000, true)));
    provider.finish(id);
    hand_over(&mut provider, &mut client, false);
    assert_eq!(read_all(&mut client, id), Ok((0, true)));
    assert_eq!((client.count(), provider.count()), (0, 0));
    assert_eq!(provider.poll_event(), Some(Event::Ended(id)));
}

#[test]
fn a_writer_is_told_of_room_once() {
    let (mut client, mut provider, id) = both();
    let mut written = 0;
    while let Ok(taken @ 1..) = client.write(id, &[1; 9_000]) {
        written += taken;
    }
    assert_eq!(written, Limits::default().send_buffer);
    let mut read = 0;
    let mut told = 0;
    while read < written {
        hand_over(&mut client, &mut provider, false);
        read += read_all(&mut provider, id).expect("bytes").0;
        hand_over(&mut provider, &mut client, false);
        told += std::iter::from_fn(|| client.poll_event()).count();
    }
    assert_eq!(told, 1);
    assert_eq!((provider.unread(), client.buffered), (0, 0));
}

/// Writes so much to a stream as its writer would: it waits for word of room.
fn write_all(from: &mut Streams, to: &mut Streams, id: StreamId, mut left: usize) -> usize {
    let mut writable = true;
    for _ in 0..10_000 {
        while writable && left > 0 {
            let taken = from.write(id, &vec![1; left.min(9_000)]).expect("a stream");
            left -= taken;
            writable = taken > 0;
        }
        hand_over(from, to, false);
        read_all(to, id).expect("bytes");
        hand_over(to, from, false);
        writable |= std::iter::from_fn(|| from.poll_event()).any(|e| e == Event::Writable(id));
    }
    left
}

#[test]
fn writers_whose_bytes_nobody_takes_hold_up_no_other() {
    for stalled in [0, 3, 4, 12] {
        let (mut client, mut provider, id) = both();
        for _ in 0..stalled {
            let stuck = client.open("tcp", "x:1").expect("a stream opens");
            while let Ok(1..) = client.write(stuck, &[1; 9_000]) {
                hand_over(&mut client, &mut provider, false);
            }
        }
        assert_eq!(write_all(&mut client, &mut provider, id, 1_000_000), 0, "{stalled} stalled");
        assert!(client.buffered <= Limits::default().session_window);
    }
}

#[test]
fn what_a_reset_throws_away_makes_room() {
    let (mut client, mut provider, id) = both();
    client.write(id, &vec![1; 100_000]).expect("room");
    hand_over(&mut client, &mut provider, false);
    assert_eq!(provider.unread(), 100_000);
    client.reset(id, Code::Stopped.into());
    hand_over(&mut client, &mut provider, false);
    assert_eq!(provider.unread(), 0);
    let events: Vec<_> = std::iter::from_fn(|| provider.poll_event()).collect();
    assert_eq!(events.last(), Some(&Event::Reset(id, Code::Stopped.into())));
    assert!(provider.read(id, &mut [0]).is_err());
    hand_over(&mut provider, &mut client, false);
    assert_eq!((client.count(), provider.count(), client.buffered), (0, 0, 0));
}

#[test]
fn frames_may_come_late_and_again() {
    let mut provider = Streams::new(Side::Provider, Limits::default());
    let data = Frame::Data { stream: 1, offset: 0, last: true, data: b"early" };
    let open = Frame::Open { stream: 1, service: "tcp", target: "" };
    for frame in [data, open, data, open] {
        assert_eq!(provider.handle(&frame), Ok(true));
    }
    assert!(matches!(provider.poll_event(), Some(Event::Asked { .. })));
    let id = StreamId(1);
    assert_eq!(provider.poll_event(), Some(Event::Readable(id)));
    assert_eq!(provider.poll_event(), None);
    assert_eq!(read_all(&mut provider, id), Ok((5, true)));
    provider.reset(id, Code::Refused.into());
    provider.arrived(Content::Control(Control::Reset(id)));
    assert_eq!(provider.count(), 0);
    for frame in [open, data] {
        assert_eq!(provider.handle(&frame), Ok(true));
    }
    assert_eq!((provider.count(), provider.poll_event()), (0, None), "it is over");
    let first = Frame::Open { stream: 0, service: "tcp", target: "" };
    assert_eq!(provider.handle(&first), Ok(true));
    assert_eq!(provider.count(), 1, "one that was expected");
}
