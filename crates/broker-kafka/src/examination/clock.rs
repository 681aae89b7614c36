//! What time it is at the broker, as far as somebody can tell who writes nothing: by the time on the last record of the roster, which every
//! worker writes to each few seconds.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use broker::{Error, Finding};
use rdkafka::{Message as _, Offset, TopicPartitionList, consumer::Consumer as _};

use crate::{
    Config, client, client::Consumer, connections::Connections, error::from_kafka, topics::known_to,
};

/// Queue times are told by two clocks.
const DIFFERS: Duration = Duration::from_secs(1);

/// How long the last record is waited for.
const WAIT: Duration = Duration::from_secs(1);

/// How long there is no record, if nobody serves a model any more.
const QUIET: Duration = Duration::from_secs(30);

/// Looks at the last record of `roster`, if there is one.
pub(super) async fn examine(
    config: &Config,
    connections: &Connections,
    roster: &str,
) -> Result<Finding, Error> {
    let consumer: Consumer =
        client::consumer(config).create_with_context(connections.clone()).map_err(from_kafka)?;
    let consumer = known_to(consumer, config.response_timeout).await?;
    let mut place = TopicPartitionList::new();
    place.add_partition_offset(roster, 0, Offset::OffsetTail(1)).map_err(from_kafka)?;
    consumer.assign(&place).map_err(from_kafka)?;
    let last = match tokio::time::timeout(WAIT, consumer.recv()).await {
        Ok(record) => record.map_err(from_kafka)?.timestamp().to_millis(),
        Err(_) => None,
    };
    let last = last.and_then(|millis| u64::try_from(millis).ok());
    Ok(judge(last.map(|millis| UNIX_EPOCH + Duration::from_millis(millis)), SystemTime::now()))
}

/// `there` is the time on the last record; the broker's clock is no earlier.
fn judge(there: Option<SystemTime>, here: SystemTime) -> Finding {
    let about = "kafka clock";
    let Some(there) = there else {
        return Finding::fine(about, "not known before a worker runs: it is told by records");
    };
    match here.duration_since(there) {
        Err(ahead) if ahead.duration() > DIFFERS => Finding::warning(
            about,
            format!(
                "at least {:.1} s ahead of this machine's, so measured waits are wrong by that: synchronise both with NTP",
                ahead.duration().as_secs_f64()
            ),
        ),
        Ok(age) if age > QUIET => Finding::fine(
            about,
            "not known while no worker runs: it is told by records, and the last one is old",
        ),
        Ok(age) => {
            Finding::fine(about, format!("the last record is {} ms old by this machine's", age.as_millis()))
        }
        Err(_) => Finding::fine(about, "the last record was written just now"),
    }
}

#[cfg(test)]
mod tests {
    use broker::Verdict;

    use super::*;

    #[test]
    fn a_record_from_the_future_tells_that_clocks_differ() {
        let now = SystemTime::now();
        let told = |there, verdict, words: &str| {
            let finding = judge(there, now);
            assert!(finding.verdict == verdict && finding.sentence.contains(words), "{finding:?}");
        };
        told(None, Verdict::Fine, "before a worker runs");
        told(Some(now - Duration::from_secs(3)), Verdict::Fine, "3000 ms old");
        told(Some(now + Duration::from_millis(900)), Verdict::Fine, "just now");
        told(Some(now + Duration::from_millis(1500)), Verdict::Warning, "1.5 s ahead");
        told(Some(now - Duration::from_secs(60)), Verdict::Fine, "no worker runs");
    }
}
