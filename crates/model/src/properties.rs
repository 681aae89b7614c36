//! What always holds: the invariants 1 to 5 of the design, as the checker asks for them.

use stateright::Property;
use stream::{EventKind, Record};

use crate::{
    events::body,
    log::Stream,
    reader::Reader,
    system::{State, System},
};

/// The properties, and a few sights without which holding them would mean nothing.
pub(crate) fn all() -> Vec<Property<System>> {
    vec![
        Property::always("one order", |_, state: &State| state.streams.iter().all(is_in_order)),
        Property::always("what was shown stays", |_, state: &State| {
            followed(state).all(|(a, stream)| {
                is_prefix(a, stream)
                    && followed(state).all(|(b, other)| !std::ptr::eq(stream, other) || agree(a, b, stream))
            })
        }),
        Property::always("accepted means it ends", |system: &System, state: &State| {
            followed(state).all(|(reader, stream)| reader.has_ended(stream)) || !system.is_quiet(state)
        }),
        Property::always("one owner", |_, state: &State| {
            state.streams.iter().all(has_one_owner)
                && followed(state)
                    .all(|(reader, stream)| reader.shown.iter().all(|place| is_in_force(stream, *place)))
        }),
        Property::always("carries on", |_, state: &State| state.streams.iter().all(carries_on)),
        Property::always("once", |system: &System, state: &State| !system.bounds.same_key || is_once(state)),
        Property::always("stored as told", |system: &System, state: &State| {
            state.streams.iter().all(is_stored_as_told) || !system.is_quiet(state)
        }),
        Property::always("nothing fails by itself", |system: &System, state: &State| {
            state.left.broken_calls < system.bounds.faults.broken_calls
                || !state.streams.iter().any(|stream| ends_as(stream, EventKind::Failed))
        }),
        Property::always("few terms", |system: &System, state: &State| {
            state.streams.iter().all(|stream| stream.owners.len() <= system.bounds.max_terms())
        }),
        Property::sometimes("a response is read to its completion", |_, state: &State| {
            followed(state)
                .any(|(reader, stream)| reader.has_ended(stream) && ends_as(stream, EventKind::Completed))
        }),
    ]
}

/// Every client that was promised a response, and its stream.
fn followed(state: &State) -> impl Iterator<Item = (&Reader, &Stream)> {
    let told = |(reader, response): (_, Option<usize>)| Some((reader, &state.streams[response?]));
    state.readers.iter().zip(state.admissions.iter().map(|admission| admission.told())).filter_map(told)
}

fn events(stream: &Stream) -> impl Iterator<Item = (usize, &Record)> {
    let counted = stream.counted(stream.entries.len()).map(|(place, entry)| (place, &*entry.0));
    counted.filter(|(_, record)| !record.is_opening())
}

/// Numbers run 0, 1, 2, …, and nothing follows a terminal event.
fn is_in_order(stream: &Stream) -> bool {
    let mut ended = false;
    (0..).zip(events(stream)).all(|(number, (_, record))| {
        let fits = record.first == number && !ended;
        ended = record.is_terminal();
        fits
    })
}

/// What a reader was shown is a prefix of what counts.
fn is_prefix(reader: &Reader, stream: &Stream) -> bool {
    let mut counted = events(stream);
    reader
        .shown
        .iter()
        .all(|place| counted.next().is_some_and(|(_, record)| *record == *stream.entries[*place].0))
}

/// Of what two readers were shown, one is a prefix of the other.
fn agree(one: &Reader, other: &Reader, stream: &Stream) -> bool {
    one.shown.iter().zip(&other.shown).all(|(a, b)| stream.entries[*a] == stream.entries[*b])
}

/// No two writers have taken themselves for the owner of one epoch, and no event counts that is of an older epoch than
/// the owners before it.
fn has_one_owner(stream: &Stream) -> bool {
    let is_unique =
        |at: usize| stream.owners[..at].iter().all(|other| other.epoch != stream.owners[at].epoch);
    (0..stream.owners.len()).all(is_unique) && events(stream).all(|(place, _)| is_in_force(stream, place))
}

/// Whether no newer epoch had an owner before this place of the log.
fn is_in_force(stream: &Stream, place: usize) -> bool {
    let epoch = stream.entries[place].0.epoch;
    stream.owners.iter().all(|owner| owner.place > place || owner.epoch <= epoch)
}

/// Each token carries on from the one before, and the end says the text that was told.
fn carries_on(stream: &Stream) -> bool {
    let mut text = String::new();
    events(stream).skip(1).all(|(_, record)| {
        let Some(event) = record.events.first() else { return false };
        if !record.is_terminal() {
            text = format!("{text}{}", record.epoch);
        }
        body(event) == text
    })
}

/// All requests with the key are one response, with one stream.
fn is_once(state: &State) -> bool {
    let mut told = state.admissions.iter().filter_map(|admission| admission.told());
    let first = told.next();
    let begun = state.streams.iter().filter(|stream| !stream.entries.is_empty()).count();
    told.all(|other| Some(other) == first) && begun <= 1
}

fn ends_as(stream: &Stream, kind: EventKind) -> bool {
    events(stream)
        .any(|(_, record)| record.is_terminal() && record.events.iter().any(|event| event.kind() == kind))
}

/// A response that has ended is stored as its stream says.
fn is_stored_as_told(stream: &Stream) -> bool {
    let Some((_, end)) = events(stream).find(|(_, record)| record.is_terminal()) else { return true };
    let said = end.events.first().map(|event| (event.kind(), body(event)));
    stream.stored.as_ref().map(|stored| (stored.kind, &*stored.text)) == said
}
