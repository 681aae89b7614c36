//! The types that need no explanation.

use std::{net::SocketAddr, time::Duration};

use ipnet::IpNet;

use super::{Entry, Value, put};
use crate::config::units;

impl Value for bool {
    fn set(&mut self, text: &str) -> Result<(), String> {
        put(self, text.parse().ok())
    }

    fn show(&self) -> Option<toml::Value> {
        Some((*self).into())
    }

    fn form(&self) -> String {
        "`true` or `false`".to_owned()
    }
}

impl Value for String {
    fn set(&mut self, text: &str) -> Result<(), String> {
        put(self, (!text.is_empty()).then(|| text.to_owned()))
    }

    fn show(&self) -> Option<toml::Value> {
        (!self.is_empty()).then(|| self.as_str().into())
    }

    fn form(&self) -> String {
        "a text that is not empty".to_owned()
    }

    fn kind(&self) -> String {
        "text".to_owned()
    }
}

/// Whole numbers, of any width.
macro_rules! whole_numbers {
    ($($number:ty)*) => {
        $(impl Value for $number {
            fn set(&mut self, text: &str) -> Result<(), String> {
                put(self, text.parse().ok())
            }

            fn show(&self) -> Option<toml::Value> {
                i64::try_from(*self).ok().map(Into::into)
            }

            fn form(&self) -> String {
                "a whole number".to_owned()
            }

            fn kind(&self) -> String {
                "number".to_owned()
            }

            fn is_zero(&self) -> bool {
                *self == 0
            }
        })*
    };
}

whole_numbers! { u16 usize u32 u64 }

impl Value for f64 {
    fn set(&mut self, text: &str) -> Result<(), String> {
        put(self, text.parse().ok().filter(|number: &Self| number.is_finite() && *number >= 0.0))
    }

    fn show(&self) -> Option<toml::Value> {
        Some((*self).into())
    }

    fn form(&self) -> String {
        "a number, such as `40` or `0.5`".to_owned()
    }

    fn kind(&self) -> String {
        "number".to_owned()
    }
}

impl Value for Duration {
    fn set(&mut self, text: &str) -> Result<(), String> {
        put(self, units::read_duration(text))
    }

    fn show(&self) -> Option<toml::Value> {
        Some(units::write_duration(*self).into())
    }

    fn form(&self) -> String {
        "a number with its unit, such as `30s`, `5m` or `250ms`".to_owned()
    }

    fn kind(&self) -> String {
        "duration".to_owned()
    }

    fn is_zero(&self) -> bool {
        Duration::is_zero(self)
    }
}

impl Value for SocketAddr {
    fn set(&mut self, text: &str) -> Result<(), String> {
        put(self, text.parse().ok())
    }

    fn show(&self) -> Option<toml::Value> {
        Some(self.to_string().into())
    }

    fn form(&self) -> String {
        "an IP address and a port, such as `127.0.0.1:8080` or `[::1]:8080`; port 0 takes a free one"
            .to_owned()
    }

    fn kind(&self) -> String {
        "address".to_owned()
    }
}

impl Entry for String {
    const FORM: &'static str = "texts";
    const KIND: &'static str = "texts";
}

impl Entry for IpNet {
    const FORM: &'static str = "networks, such as `10.0.0.0/8` or `fd00::/8`";
    const KIND: &'static str = "networks";
}
