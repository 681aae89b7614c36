//! Which tools the built-in model calls, and with what.

use protocol::{ChoiceMode, FunctionTool, ToolChoice};
use serde_json::Value;

use super::{
    asked::{Asked, mix},
    schema::{self, Hints},
};

/// Words in the names of tools that say nothing of what they are for.
const VERBS: [&str; 14] = [
    "call", "check", "create", "current", "fetch", "find", "function", "list", "lookup", "make", "query",
    "search", "show", "tool",
];
/// Shorter words in the names of tools are in too many questions.
const MIN_WORD: usize = 4;

/// A call that the model makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ToolCall {
    pub(super) call_id: String,
    pub(super) name: String,
    pub(super) arguments: String,
}

/// The calls that the question, or the request, asks for. After the tools' outputs there are none, even where a call is
/// required: a model that went on calling would never come to an end.
pub(super) fn calls(asked: &Asked<'_>, question: &str, dice: u64) -> Vec<ToolCall> {
    let request = asked.request;
    if !asked.outputs.is_empty() {
        return Vec::new();
    }
    let offered: Vec<&FunctionTool> =
        request.tools.iter().filter(|tool| request.tool_choice.allows(&tool.name)).collect();
    let must = match &request.tool_choice {
        ToolChoice::Mode(mode) | ToolChoice::Allowed { mode, .. } => *mode == ChoiceMode::Required,
        ToolChoice::Function(_) => true,
    };
    let lower = question.to_lowercase();
    let mut wanted: Vec<&FunctionTool> =
        offered.iter().copied().filter(|tool| is_asked_for(tool, &lower)).collect();
    if wanted.is_empty() && (must || lower.contains("tool") || lower.contains("function")) {
        wanted.extend(offered.first());
    }
    let most = if request.parallel_tool_calls { request.max_tool_calls.unwrap_or(8) } else { 1 };
    let calls = wanted.iter().flat_map(|tool| calls_of(tool, question)).take(most.min(8) as usize);
    (0..)
        .zip(calls)
        .map(|(index, (name, arguments))| {
            let call_id = format!("call_{:016x}", mix(dice ^ index));
            ToolCall { call_id, name, arguments: arguments.to_string() }
        })
        .collect()
}

/// Whether the question names the tool, or what its name is about: `weather` for `get_weather`.
fn is_asked_for(tool: &FunctionTool, question: &str) -> bool {
    let name = tool.name.to_lowercase();
    let mut words = name.split(['_', '-']).filter(|word| word.len() >= MIN_WORD && !VERBS.contains(word));
    question.contains(&name) || words.any(|word| question.contains(word))
}

/// One call for each place that the question names, if the tool wants a place; else one call.
fn calls_of(tool: &FunctionTool, question: &str) -> Vec<(String, Value)> {
    let nothing = Value::Null;
    let parameters = tool.parameters.as_ref().unwrap_or(&nothing);
    let places = places(question);
    let wants_place = parameters["properties"]
        .as_object()
        .is_some_and(|properties| properties.keys().any(|name| schema::is_place(name)));
    let rounds = if wants_place { places.len().max(1) } else { 1 };
    (0..rounds)
        .map(|round| {
            let mut hints = Hints::new(question, places.get(round).map(String::as_str));
            (tool.name.clone(), schema::arguments(parameters, &mut hints))
        })
        .collect()
}

/// The names behind `in`, `for` and the like: `Rome` and `New York` in `the weather in Rome and New York today`.
fn places(question: &str) -> Vec<String> {
    let mut places: Vec<String> = Vec::new();
    let (mut is_behind, mut is_open) = (false, false);
    for word in question.split_whitespace() {
        let bare = word.trim_matches(|character: char| !character.is_alphanumeric());
        let is_name = bare.chars().next().is_some_and(char::is_uppercase);
        match bare.to_lowercase().as_str() {
            _ if is_behind && is_name => {
                match places.last_mut().filter(|_| is_open) {
                    Some(place) => *place = format!("{place} {bare}"),
                    None => places.push(bare.to_owned()),
                }
                is_open = !word.ends_with([',', '.', '?', '!', ';']);
            }
            "and" | "or" => is_open = false,
            "in" | "for" | "at" | "from" | "to" | "between" => (is_behind, is_open) = (true, false),
            _ => (is_behind, is_open) = (false, false),
        }
    }
    places
}
