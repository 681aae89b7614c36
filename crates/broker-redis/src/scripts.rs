//! The Lua scripts, each with its keys and arguments described where it stands, and how to speak with them.

use std::{sync::LazyLock, time::Duration};

use broker::{Error, Stop};
use redis::{Arg, Cmd, FromRedisValue, ParsingError, ToRedisArgs, Value};

use crate::error::unreadable;

/// A script, and the hash by which a server knows it.
pub(crate) struct Script {
    code: &'static str,
    hash: String,
}

impl Script {
    fn new(code: &'static str) -> Self {
        Self { code, hash: redis::Script::new(code).get_hash().to_owned() }
    }

    /// A call of the script about so many keys, which are its first arguments, and are all where `key` is.
    pub(crate) fn call_with(&'static self, keys: usize, key: String) -> Call {
        let mut command = redis::cmd("EVALSHA");
        command.arg(&self.hash).arg(keys);
        Call { script: self, key, command }
    }

    /// A call of the script about these keys, which are all in one slot.
    pub(crate) fn call<K: AsRef<str>>(&'static self, keys: impl IntoIterator<Item = K>) -> Call {
        let keys: Vec<K> = keys.into_iter().collect();
        let first = keys.first().map_or_else(String::new, |key| key.as_ref().to_owned());
        let call = self.call_with(keys.len(), first);
        keys.iter().fold(call, |call, key| call.arg(key.as_ref()))
    }
}

/// A call of a script.
pub(crate) struct Call {
    script: &'static Script,
    key: String,
    command: Cmd,
}

impl Call {
    /// Adds an argument.
    pub(crate) fn arg(mut self, argument: impl ToRedisArgs) -> Self {
        self.command.arg(argument);
        self
    }

    /// A key that the call is about.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// The call as it is made of a server that knows the script.
    pub(crate) fn by_hash(&self) -> &Cmd {
        &self.command
    }

    /// The call as it is made of one that does not.
    pub(crate) fn in_full(&self) -> Cmd {
        let mut command = redis::cmd("EVAL");
        command.arg(self.script.code);
        for argument in self.command.args_iter().skip(2) {
            if let Arg::Simple(argument) = argument {
                command.arg(argument);
            }
        }
        command
    }
}

macro_rules! scripts {
    ($($name:ident = $($file:literal)+;)*) => {
        $(pub(crate) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!($(include_str!(concat!("lua/", $file)), "\n"),+))
        });)*
    };
}

// Each with what it uses of the library, and no more: its functions are made anew with every call.
scripts! {
    CREATE = "lib/time.lua" "lib/stream.lua" "lib/inbox.lua" "lib/create.lua" "create.lua";
    OPEN = "lib/time.lua" "lib/stream.lua" "open.lua";
    APPEND = "lib/time.lua" "lib/stream.lua" "lib/inbox.lua" "append.lua";
    LISTEN = "lib/inbox.lua" "listen.lua";
    READ = "read.lua";
    EXPIRE = "lib/time.lua" "expire.lua";

    CANCEL = "lib/time.lua" "lib/stream.lua" "cancel.lua";
    STOP = "lib/time.lua" "lib/stream.lua" "stop.lua";
    ATTEND = "lib/time.lua" "attend.lua";
    ANNOUNCE = "lib/time.lua" "announce.lua";
    MODELS = "lib/time.lua" "models.lua";

    ENQUEUE = "lib/queue.lua" "lib/enqueue.lua" "enqueue.lua";
    BEGIN = "lib/time.lua" "lib/stream.lua" "lib/inbox.lua" "lib/create.lua" "lib/queue.lua" "lib/enqueue.lua" "begin.lua";
    CLAIM = "lib/queue.lua" "claim.lua";
    ANSWER_CALL = "lib/queue.lua" "answer_call.lua";
    RENEW = "lib/queue.lua" "renew.lua";
    RELEASE = "lib/queue.lua" "release.lua";
    FINISH = "lib/queue.lua" "finish.lua";
    BURY = "lib/queue.lua" "bury.lua";
    DEPTH = "lib/time.lua" "depth.lua";

    ADD = "add.lua";
    ENTER = "lib/time.lua" "enter.lua";
    LEAVE = "lib/time.lua" "leave.lua";

    LIST = "lib/time.lua" "lib/inspect.lua" "list.lua";
    LIST_DEAD = "lib/time.lua" "lib/inspect.lua" "list_dead.lua";
    FIND = "lib/time.lua" "lib/inspect.lua" "find.lua";
    FORGET = "forget.lua";
}

/// A flag as the scripts read it: anything, or nothing.
pub(crate) const fn flag(set: bool) -> &'static str {
    if set { "1" } else { "" }
}

/// A duration as the scripts read it. What is longer than a year is a year: Redis adds it to the time it is.
pub(crate) fn millis(duration: Duration) -> u64 {
    const YEAR: Duration = Duration::from_secs(365 * 24 * 60 * 60);
    duration.min(YEAR).as_millis() as u64
}

/// The answer of a script that tells in a word how it went.
pub(crate) struct Answer {
    word: String,
    rest: Vec<Value>,
}

impl Answer {
    pub(crate) fn word(&self) -> &str {
        &self.word
    }

    /// What follows the word.
    pub(crate) fn rest<T: FromRedisValue>(self) -> Result<T, Error> {
        redis::from_redis_value(Value::Array(self.rest)).map_err(unreadable)
    }

    /// The script was changed, and its caller was not.
    pub(crate) fn unknown(self) -> Error {
        unreadable(format!("a script answered {:?}", self.word))
    }
}

impl FromRedisValue for Answer {
    fn from_redis_value(value: Value) -> Result<Self, ParsingError> {
        let mut rest: Vec<Value> = redis::from_redis_value(value)?;
        if rest.is_empty() {
            return Err("a script answered nothing".into());
        }
        let word = redis::from_redis_value(rest.remove(0))?;
        Ok(Self { word, rest })
    }
}

/// The stop that a script has named.
pub(crate) fn stop_named(name: &str) -> Option<Stop> {
    match name {
        "cancelled" => Some(Stop::Cancelled),
        "abandoned" => Some(Stop::Abandoned),
        _ => None,
    }
}
