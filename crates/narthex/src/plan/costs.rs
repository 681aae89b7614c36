//! What one token, one connection and one response cost: each with its unit in its name, and where it comes from.

use serde_json::Value;

/// One cost.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Cost {
    /// What it is called, with its unit.
    pub(super) name: &'static str,
    pub(super) value: f64,
    /// Measured how, or set by whom.
    pub(super) source: String,
}

/// Declares the costs: a field, its default, and where that comes from.
macro_rules! costs {
    ($($(#[$doc:meta])* $name:ident = $value:expr, $source:expr;)+) => {
        /// All costs.
        #[derive(Debug, Clone, PartialEq)]
        pub(super) struct Costs {
            $($(#[$doc])* pub(super) $name: Cost,)+
        }

        impl Default for Costs {
            fn default() -> Self {
                Self { $($name: Cost { name: stringify!($name), value: $value, source: $source.to_owned() },)+ }
            }
        }

        impl Costs {
            /// All of them, in the order in which they are told.
            pub(super) fn all(&self) -> Vec<&Cost> {
                vec![$(&self.$name),+]
            }

            fn all_mut(&mut self) -> Vec<&mut Cost> {
                vec![$(&mut self.$name),+]
            }
        }
    };
}

/// Paced tokens cost the most: those that come together share nearly all. With more tokens a second it is less, see docs/performance.md.
const PACED: &str = "measured: make bench SCENES=tokens, 200 streams of 50 tokens a second";

/// In a cluster fewer streams share a call than on one Redis.
const IN_A_CLUSTER: &str = "measured: make bench SCENES=tokens BROKER=redis-cluster, 200 streams of 50 tokens a second on three masters; one Redis takes 16";

const STREAMED: &str = "measured: 100 streams of 40 tokens a second, Redis 7.0";

const ON_THE_WIRE: &str = "measured: 500 tokens of English on a WebSocket";

costs! {
    /// CPU of a gateway to deliver one token to one client.
    gateway_us_per_token = 15.0, PACED;
    /// CPU of a worker to produce it.
    worker_us_per_token = 17.0, PACED;
    /// CPU of the broker to take it and to pass it on.
    broker_us_per_token = 24.0, IN_A_CLUSTER;
    /// Memory of a gateway for a WebSocket that waits.
    kb_per_connection = 3.0, "measured: make bench SCENES=idle, after each has streamed; without TLS, with it assume 11";
    /// What comes on top while a response streams on it.
    kb_per_stream = 20.0, "measured: 1,000 streams; with the buffers that a connection gives back when it is idle";
    /// Memory of a worker for a response that it produces.
    kb_per_response = 40.0, "measured: 1,000 streams of short prompts, each with a connection to its model server; add what yours are long";
    /// Memory of a gateway or worker that does nothing.
    mb_per_process = 25.0, "measured";
    /// Memory of the broker for a token that is kept.
    broker_bytes_per_token = 83.0, STREAMED;
    /// What a client is sent for one token, frame and all.
    json_bytes_per_token = 208.0, ON_THE_WIRE;
    /// The same in MessagePack.
    msgpack_bytes_per_token = 43.0, ON_THE_WIRE;
    /// The same in Protobuf.
    proto_bytes_per_token = 49.0, ON_THE_WIRE;
    /// What the broker is sent for one token.
    broker_in_bytes_per_token = 477.0, STREAMED;
    /// What it sends to one gateway for one token.
    broker_out_bytes_per_token = 158.0, STREAMED;
}

impl Costs {
    /// Takes those that stand in a JSON object of numbers.
    pub(super) fn read(&mut self, text: &str) -> Result<(), String> {
        let form = || "write a JSON object of numbers, such as {\"gateway_us_per_token\": 6.0}".to_owned();
        let value: Value = serde_json::from_str(text).map_err(|error| format!("{error}: {}", form()))?;
        for (name, value) in value.as_object().ok_or_else(form)? {
            self.set(name, value.as_f64().ok_or_else(form)?, "--costs")?;
        }
        Ok(())
    }

    /// Takes one.
    pub(super) fn set(&mut self, name: &str, value: f64, source: &str) -> Result<(), String> {
        if !value.is_finite() || value < 0.0 {
            return Err(format!("{name} must not be less than 0"));
        }
        let Some(cost) = self.all_mut().into_iter().find(|cost| cost.name == name) else {
            let names: Vec<_> = self.all().iter().map(|cost| cost.name).collect();
            return Err(format!("there is no cost {name:?}: there are {}", names.join(", ")));
        };
        (cost.value, cost.source) = (value, source.to_owned());
        Ok(())
    }
}

#[cfg(test)]
mod tests;
