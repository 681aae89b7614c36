//! Which node of a cluster has a key.
//!
//! The slot of a key is a hash of it, and each master has ranges of slots.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use redis::{ParsingError, Value};

use crate::{keys::tag, target::Node};

const SLOTS: u16 = 16_384;

/// In so many partitions each master has new streams. The fewer there are, the more appends leave in one call; and while a slot
/// moves to another master, the streams that wait for it are those of one.
const HOMES_PER_MASTER: usize = 2;

/// Partitions from here on are nobody's home. So many slots are enough to meet every master that has a thousandth of them.
const MAX_HOMES: u16 = 8_192;

/// The masters of a cluster, by the slots that they have.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Slots {
    /// The last slot of each range and its master, in order. Slots that nobody has belong to nobody.
    ranges: Vec<(u16, u16, Node)>,
    /// The partitions for new streams: equally many for each master.
    homes: Vec<u16>,
}

impl Slots {
    /// The answer to `CLUSTER SLOTS`, as `asked` gave it. A node that does not know its own host is the one that was
    /// asked, or beside it.
    pub(crate) fn parse(value: Value, asked: &Node) -> Result<Self, ParsingError> {
        let rows: Vec<Vec<Value>> = redis::from_redis_value(value)?;
        let mut ranges = Vec::with_capacity(rows.len());
        for row in rows {
            let mut row = row.into_iter();
            let (Some(first), Some(last), Some(master)) = (row.next(), row.next(), row.next()) else {
                return Err("a range of slots without a master".into());
            };
            let mut master: Vec<Value> = redis::from_redis_value(master)?;
            if master.len() < 2 {
                return Err("a master without an address".into());
            }
            let port: u16 = redis::from_redis_value(master.swap_remove(1))?;
            let host: Option<String> = redis::from_redis_value(master.swap_remove(0))?;
            let asked_host = || asked.rsplit_once(':').map(|(host, _)| host.to_owned()).unwrap_or_default();
            let host = host.filter(|host| !host.is_empty() && host != "?").unwrap_or_else(asked_host);
            ranges.push((
                redis::from_redis_value(first)?,
                redis::from_redis_value(last)?,
                format!("{host}:{port}").into(),
            ));
        }
        ranges.sort();
        let mut slots = Self { ranges, homes: Vec::new() };
        slots.homes = slots.find_homes();
        Ok(slots)
    }

    /// The partitions in which new streams begin. None while no master has a slot.
    pub(crate) fn homes(&self) -> &[u16] {
        &self.homes
    }

    /// For each master the first partitions whose slots it has, so that all who know the same slots find the same.
    fn find_homes(&self) -> Vec<u16> {
        let mut homes: BTreeMap<Node, Vec<u16>> =
            self.masters().into_iter().map(|master| (master, Vec::new())).collect();
        for partition in 0..MAX_HOMES {
            let Some(node) = self.node(&tag(partition).to_string()) else { continue };
            if let Some(homes) = homes.get_mut(node).filter(|homes| homes.len() < HOMES_PER_MASTER) {
                homes.push(partition);
            } else if homes.values().all(|homes| homes.len() == HOMES_PER_MASTER) {
                break;
            }
        }
        // One of each master after the other: whoever takes them in turn goes around.
        (0..HOMES_PER_MASTER)
            .flat_map(|nth| homes.values().filter_map(move |of| of.get(nth).copied()))
            .collect()
    }

    /// All masters that have slots.
    pub(crate) fn masters(&self) -> BTreeSet<Node> {
        self.ranges.iter().map(|(_, _, node)| Arc::clone(node)).collect()
    }

    /// The master that has `key`.
    pub(crate) fn node(&self, key: &str) -> Option<&Node> {
        let slot = slot(key.as_bytes());
        let after = self.ranges.partition_point(|(first, ..)| *first <= slot);
        let (_, last, node) = self.ranges.get(after.checked_sub(1)?)?;
        (slot <= *last).then_some(node)
    }
}

/// The slot of a key: of what stands in its first braces, if that is anything.
fn slot(key: &[u8]) -> u16 {
    let open = key.iter().position(|byte| *byte == b'{').map(|open| open + 1);
    let tag = open.and_then(|open| {
        let length = key[open..].iter().position(|byte| *byte == b'}')?;
        (length > 0).then(|| &key[open..open + length])
    });
    crc16(tag.unwrap_or(key)) % SLOTS
}

/// CRC-16/XMODEM, as the specification of Redis Cluster wants it.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            if crc & 0x8000 == 0 { crc << 1 } else { (crc << 1) ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests;
