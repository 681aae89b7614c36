//! What a script may say, and the short form of it that stands in a prompt or on a command line.

use std::time::Duration;

/// How the server behaves. The default says sixteen words as fast as they are read.
#[derive(Debug, Clone, PartialEq)]
pub struct Script {
    /// Which of the deterministic texts it says.
    pub seed: u64,
    /// How many tokens.
    pub tokens: u64,
    /// Tokens to say in place of the deterministic ones.
    pub say: Option<Vec<String>>,
    /// Whether it says the prompt's own words, without what stands in brackets.
    pub echo: bool,
    /// Whether it never ends.
    pub endless: bool,
    /// The pause before the first token.
    pub first_delay: Duration,
    /// The pause between tokens.
    pub delay: Duration,
    /// Whether the head of the answer waits for the first token, as some servers have it.
    pub late_head: bool,
    /// The reason it gives for stopping, if not the natural one.
    pub finish_reason: Option<String>,
    /// Reasoning that it tells first, in these pieces.
    pub reasoning: Vec<String>,
    /// The member that carries reasoning in a chunk: `reasoning_content` or `reasoning`.
    pub reasoning_field: String,
    /// A refusal in place of the text, in these pieces.
    pub refusal: Vec<String>,
    /// The functions it calls, unless their outputs are there already.
    pub calls: Vec<ToolCall>,
    /// How it tells of them.
    pub call_style: CallStyle,
    /// What it counts, if not the truth.
    pub usage: Option<UsageNumbers>,
    /// Whether usage stands in the chunk with the finish reason, and not in one of its own.
    pub usage_with_finish: bool,
    /// Whether it tells usage in every chunk, if it is asked to, as vLLM does.
    pub continuous_usage: bool,
    /// Whether it refuses stream options that OpenAI does not have.
    pub strict: bool,
    /// What it does about an assistant message at the end of the conversation.
    pub prefill: Prefill,
    /// An HTTP status and a body in place of an answer.
    pub fail: Option<(u16, String)>,
    /// The `Retry-After` header of such an answer.
    pub retry_after: Option<String>,
    /// What goes wrong after so many tokens.
    pub fault: Option<(u64, Fault)>,
    /// Only so many calls with one prompt go wrong; all of them by default.
    pub faulty_calls: Option<u64>,
    /// The key it wants; any by default.
    pub api_key: Option<String>,
    /// It hands its bytes to the network in pieces of this size.
    pub split_bytes: Option<usize>,
    /// Whether lines of its event stream end in CR and LF.
    pub crlf: bool,
    /// Whether it sends a comment before each event.
    pub comments: bool,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            seed: 0,
            tokens: 16,
            say: None,
            echo: false,
            endless: false,
            first_delay: Duration::ZERO,
            delay: Duration::ZERO,
            late_head: false,
            finish_reason: None,
            reasoning: Vec::new(),
            reasoning_field: "reasoning_content".to_owned(),
            refusal: Vec::new(),
            calls: Vec::new(),
            call_style: CallStyle::Pieces,
            usage: None,
            usage_with_finish: false,
            continuous_usage: false,
            strict: false,
            prefill: Prefill::Always,
            fail: None,
            retry_after: None,
            fault: None,
            faulty_calls: None,
            api_key: None,
            split_bytes: None,
            crlf: false,
            comments: false,
        }
    }
}

/// A function that the script calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Its name.
    pub name: String,
    /// Its arguments, as JSON.
    pub arguments: String,
}

/// How servers differ in telling of calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CallStyle {
    /// As the protocol's inventor has it: the name first, then the arguments in pieces.
    Pieces,
    /// Each call at once, with its index.
    Whole,
    /// Each call at once, without an index and with an empty id.
    Bare,
    /// The name in two pieces, and the id again in each piece.
    SplitName,
}

/// What goes wrong in mid-stream.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// The connection is closed, without the end of the answer.
    Cut,
    /// The connection is reset.
    Reset,
    /// Nothing more is sent, and the connection stays open.
    Hang,
    /// The answer ends as HTTP has it, but says no reason and no `[DONE]`.
    End,
    /// This is sent as an event's data, then the answer goes on.
    Garbage(String),
    /// This error object is sent, then the answer ends.
    Error(String),
}

/// What a server does about an assistant message at the end of the conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Prefill {
    /// It carries it on.
    Always,
    /// It carries it on if `continue_final_message` says so.
    Flag,
    /// It begins its text again.
    Never,
}

/// What the server says that it counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UsageNumbers {
    /// Tokens read.
    pub input: u64,
    /// Of these, cached.
    pub cached: u64,
    /// Tokens written.
    pub output: u64,
    /// Of these, reasoning.
    pub reasoning: u64,
}

impl Script {
    /// The script that `words` describe: `tokens=200 delay_ms=5 cut_after=20`.
    ///
    /// # Errors
    /// A sentence about the first word that cannot be read.
    pub fn parse(words: &str) -> Result<Self, String> {
        let mut script = Self::default();
        script.apply(words)?;
        Ok(script)
    }

    /// Changes what `words` name and leaves the rest.
    ///
    /// # Errors
    /// A sentence about the first word that cannot be read.
    pub fn apply(&mut self, words: &str) -> Result<(), String> {
        for word in words.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap_or((word, "true"));
            self.set(name, value).map_err(|problem| format!("{word}: {problem}"))?;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: &str) -> Result<(), String> {
        match name {
            "seed" => self.seed = number(value)?,
            "tokens" => self.tokens = number(value)?,
            "say" => self.say = Some(value.split_inclusive('_').map(|word| word.replace('_', " ")).collect()),
            "echo" => self.echo = flag(value)?,
            "endless" => self.endless = flag(value)?,
            "first_delay_ms" => self.first_delay = Duration::from_millis(number(value)?),
            "delay_ms" => self.delay = Duration::from_millis(number(value)?),
            "delay_us" => self.delay = Duration::from_micros(number(value)?),
            "late_head" => self.late_head = flag(value)?,
            "finish" => self.finish_reason = Some(value.to_owned()),
            "reasoning" => self.reasoning = value.split('_').map(|word| format!("{word} ")).collect(),
            "reasoning_field" => self.reasoning_field = value.to_owned(),
            "refusal" => self.refusal = value.split('_').map(|word| format!("{word} ")).collect(),
            "tool" => self.calls.push(ToolCall { name: value.to_owned(), arguments: "{}".to_owned() }),
            "args" => value.clone_into(&mut self.calls.last_mut().ok_or("no tool before it")?.arguments),
            "call_style" => self.call_style = call_style(value)?,
            "usage" => self.usage = Some(usage(value)?),
            "usage_with_finish" => self.usage_with_finish = flag(value)?,
            "continuous_usage" => self.continuous_usage = flag(value)?,
            "strict" => self.strict = flag(value)?,
            "prefill" => self.prefill = prefill(value)?,
            "retry_after" => self.retry_after = Some(value.to_owned()),
            "faulty_calls" => self.faulty_calls = Some(number(value)?),
            "api_key" => self.api_key = Some(value.to_owned()),
            "split_bytes" => self.split_bytes = Some(number(value)?.try_into().map_err(|_| "too large")?),
            "crlf" => self.crlf = flag(value)?,
            "comments" => self.comments = flag(value)?,
            _ => return self.set_fault(name, value),
        }
        Ok(())
    }

    fn set_fault(&mut self, name: &str, value: &str) -> Result<(), String> {
        let fault = match name {
            "fail" => {
                let body =
                    r#"{"error":{"message":"The script says so.","type":"scripted","code":"scripted"}}"#;
                let status = number(value)?.try_into().map_err(|_| "not a status")?;
                self.fail = Some((status, body.to_owned()));
                return Ok(());
            }
            "cut_after" => Fault::Cut,
            "reset_after" => Fault::Reset,
            "hang_after" => Fault::Hang,
            "end_after" => Fault::End,
            "garbage_after" => Fault::Garbage("{not json".to_owned()),
            "error_after" => Fault::Error(r#"{"message":"The script says so.","code":500}"#.to_owned()),
            _ => return Err("no such word in scripts".to_owned()),
        };
        self.fault = Some((number(value)?, fault));
        Ok(())
    }
}

fn number(value: &str) -> Result<u64, String> {
    value.parse().map_err(|_| "not a number".to_owned())
}

fn flag(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "neither true nor false".to_owned())
}

fn call_style(value: &str) -> Result<CallStyle, String> {
    Ok(match value {
        "pieces" => CallStyle::Pieces,
        "whole" => CallStyle::Whole,
        "bare" => CallStyle::Bare,
        "split_name" => CallStyle::SplitName,
        _ => return Err("not one of pieces, whole, bare, split_name".to_owned()),
    })
}

fn prefill(value: &str) -> Result<Prefill, String> {
    Ok(match value {
        "always" => Prefill::Always,
        "flag" => Prefill::Flag,
        "never" => Prefill::Never,
        _ => return Err("not one of always, flag, never".to_owned()),
    })
}

fn usage(value: &str) -> Result<UsageNumbers, String> {
    let numbers: Vec<u64> = value.split('/').map(number).collect::<Result<_, _>>()?;
    match numbers[..] {
        [input, cached, output, reasoning] => Ok(UsageNumbers { input, cached, output, reasoning }),
        _ => Err("not input/cached/output/reasoning".to_owned()),
    }
}
