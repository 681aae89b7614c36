//! What `narthex dev` says when it is ready: where it listens, and three things to try.

use std::{fmt::Write, net::SocketAddr};

use anstyle::{AnsiColor, Style};

use crate::console;

const BOLD: Style = Style::new().bold();
const SAYING: Style = AnsiColor::Cyan.on_default();
const FAINT: Style = Style::new().dimmed();

/// The greeting of `narthex dev`.
#[derive(Debug)]
pub(crate) struct Banner {
    scheme: &'static str,
    address: SocketAddr,
    needs_key: bool,
}

impl Banner {
    /// The greeting of a process that listens at `address`, and speaks `http` or `https` there. What there is to try has a key, if
    /// it `needs_key`.
    pub(crate) const fn new(scheme: &'static str, address: SocketAddr, needs_key: bool) -> Self {
        Self { scheme, address, needs_key }
    }

    /// Greets.
    pub(crate) fn show(&self, models: &[String]) {
        console::say(&self.text(models));
    }

    /// The greeting. Every line to try works when it is pasted into a POSIX shell.
    pub(crate) fn text(&self, models: &[String]) -> String {
        let Self { scheme, address, needs_key } = self;
        let socket = if *scheme == "https" { "wss" } else { "ws" };
        let model = models.first().map_or("demo", String::as_str);
        let mut out = String::new();
        let _ = write!(
            out,
            "\n{BOLD}Narthex {}{BOLD:#} is ready on {SAYING}{scheme}://{address}/v1{SAYING:#} with {}.\n",
            env!("CARGO_PKG_VERSION"),
            listed(models),
        );
        let (header, key) = match needs_key {
            true => {
                try_this(
                    &mut out,
                    "Callers say who they are. Put your key here first (`narthex keys make` prints one), or a token:",
                    "export NARTHEX_API_KEY=nk_...",
                );
                let header = r#" -H "authorization: Bearer $NARTHEX_API_KEY""#;
                (header, ("import os\n", r#"os.environ["NARTHEX_API_KEY"]"#))
            }
            false => ("", ("", r#""none""#)),
        };
        let name = serde_json::Value::from(model);
        let request = format!(r#"{{"model":{name},"input":"Tell me a story.","stream":true}}"#);
        try_this(
            &mut out,
            "Watch a response as server-sent events:",
            &format!(
                "curl -N {scheme}://{address}/v1/responses{header} -H 'content-type: application/json' \\\n  -d {}",
                quoted(&request)
            ),
        );
        let turn = format!(r#"{{"type":"response.create","model":{name},"input":"Tell me a story."}}"#);
        try_this(
            &mut out,
            "The same over a WebSocket, the main door (needs Node.js; Ctrl-C ends it):",
            &format!(
                "npx -y wscat@6 -c {socket}://{address}/v1/responses{header} -w 60 \\\n  -x {}",
                quoted(&turn)
            ),
        );
        try_this(
            &mut out,
            "With the official Python SDK (pip install openai):",
            &python(scheme, address, &name, key),
        );
        let _ = writeln!(out, "\n{FAINT}Ctrl-C drains and stops; a second one stops at once.{FAINT:#}");
        out
    }
}

fn try_this(out: &mut String, what: &str, command: &str) {
    let _ = write!(out, "\n{FAINT}{what}{FAINT:#}\n{command}\n");
}

fn python(
    scheme: &str,
    address: &SocketAddr,
    model: &serde_json::Value,
    (import, key): (&str, &str),
) -> String {
    format!(
        "python3 - <<'PYTHON'\n\
         {import}from openai import OpenAI\n\
         client = OpenAI(base_url=\"{scheme}://{address}/v1\", api_key={key})\n\
         with client.responses.stream(model={model}, input=\"Tell me a story.\") as stream:\n    \
             for event in stream:\n        \
                 if event.type == \"response.output_text.delta\":\n            \
                     print(event.delta, end=\"\", flush=True)\n\
         print()\n\
         PYTHON"
    )
}

/// Some models by name, and how many more there are.
fn listed(models: &[String]) -> String {
    const SHOWN: usize = 5;
    let names = models.iter().take(SHOWN).map(|name| format!("{SAYING}{name}{SAYING:#}")).collect::<Vec<_>>();
    let names = names.join(", ");
    match models.len().saturating_sub(SHOWN) {
        0 if models.len() == 1 => format!("the model {names}"),
        0 => format!("the models {names}"),
        more => format!("the models {names} and {more} more"),
    }
}

/// `text` as one word of a POSIX shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
