//! The functions that the model may call, and which of them it must.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::{
    node::{MAX_TEXT, Node, Result},
    options,
};
use crate::{ChoiceMode, FunctionTool, ToolChoice};

pub(crate) const MAX_TOOLS: usize = 128;

const KNOWN: [&str; 5] = ["type", "name", "description", "parameters", "strict"];

/// The functions, with names that differ.
pub(crate) fn tools(body: &Node<'_, '_>) -> Result<Vec<FunctionTool>> {
    let Some(list) = body.get("tools") else { return Ok(Vec::new()) };
    check_length(&list, MAX_TOOLS)?;
    let mut names = HashSet::new();
    let mut tools = Vec::new();
    for tool in list.elements()? {
        tool.require("type")?.one_of(&["function"])?;
        let read = function(&tool, options::extra(&tool, &KNOWN)?)?;
        check_unique(&mut names, &tool, &read)?;
        tools.push(read);
    }
    Ok(tools)
}

pub(crate) fn check_length(list: &Node<'_, '_>, max: usize) -> Result<()> {
    match list.elements()?.count() {
        length if length > max => Err(list.too_long("array", max, length)),
        _ => Ok(()),
    }
}

pub(crate) fn check_unique(
    names: &mut HashSet<String>,
    at: &Node<'_, '_>,
    tool: &FunctionTool,
) -> Result<()> {
    if names.insert(tool.name.clone()) {
        return Ok(());
    }
    Err(at
        .require("name")?
        .error("invalid_value", format!("Invalid value: the name '{}' is used twice.", tool.name)))
}

/// A function's definition: the members that the standard names, and the others.
pub(crate) fn function(tool: &Node<'_, '_>, extra: Map<String, Value>) -> Result<FunctionTool> {
    Ok(FunctionTool {
        name: tool.require("name")?.name()?.to_owned(),
        description: tool.optional("description", |text| text.text().map(str::to_owned))?,
        parameters: tool.optional("parameters", |schema| schema.object().map(|_| schema.value.clone()))?,
        strict: tool.optional("strict", |strict| strict.boolean())?,
        extra,
    })
}

/// The choice among `tools`, which must name functions that are there.
pub(crate) fn tool_choice(body: &Node<'_, '_>, tools: &[FunctionTool]) -> Result<ToolChoice> {
    let Some(choice) = body.get("tool_choice") else { return Ok(ToolChoice::default()) };
    if !choice.value.is_object() {
        return mode_choice(&choice, tools);
    }
    match choice.require("type")?.one_of(&["function", "allowed_tools"])? {
        "function" => {
            choice.only(&["type", "name"])?;
            Ok(ToolChoice::Function(known_name(&choice.require("name")?, tools)?))
        }
        _ => {
            choice.only(&["type", "tools", "mode"])?;
            allowed(&choice, tools, |tool| {
                tool.require("type")?.one_of(&["function"])?;
                known_name(&tool.require("name")?, tools)
            })
        }
    }
}

/// A choice that names no function.
pub(crate) fn mode_choice(choice: &Node<'_, '_>, tools: &[FunctionTool]) -> Result<ToolChoice> {
    if !choice.value.is_string() {
        return Err(choice.wrong_type("a string or an object"));
    }
    let mode = mode(choice)?;
    check_possible(choice, mode, tools).map(|()| ToolChoice::Mode(mode))
}

/// A list of allowed tools, each of which `read` names, and the mode beside it.
pub(crate) fn allowed(
    choice: &Node<'_, '_>,
    tools: &[FunctionTool],
    read: impl Fn(&Node<'_, '_>) -> Result<String>,
) -> Result<ToolChoice> {
    let list = choice.require("tools")?;
    check_length(&list, MAX_TOOLS)?;
    let names = list.elements()?.map(|tool| read(&tool)).collect::<Result<Vec<_>>>()?;
    if names.is_empty() {
        return Err(list.empty("array"));
    }
    let mode = choice.optional("mode", |mode_| {
        let mode = mode(mode_)?;
        check_possible(mode_, mode, tools).map(|()| mode)
    })?;
    Ok(ToolChoice::Allowed { names, mode: mode.unwrap_or(ChoiceMode::Auto) })
}

fn mode(mode: &Node<'_, '_>) -> Result<ChoiceMode> {
    Ok(match mode.one_of(&["none", "auto", "required"])? {
        "none" => ChoiceMode::None,
        "required" => ChoiceMode::Required,
        _ => ChoiceMode::Auto,
    })
}

fn check_possible(choice: &Node<'_, '_>, mode: ChoiceMode, tools: &[FunctionTool]) -> Result<()> {
    if mode == ChoiceMode::Required && tools.is_empty() {
        return Err(
            choice.error("invalid_value", "Tool choice 'required' must be specified with 'tools' parameter.")
        );
    }
    Ok(())
}

pub(crate) fn known_name(name: &Node<'_, '_>, tools: &[FunctionTool]) -> Result<String> {
    let text = name.filled(MAX_TEXT)?;
    if tools.iter().any(|tool| tool.name == text) {
        return Ok(text.to_owned());
    }
    let message =
        format!("Tool choice '{}' not found in 'tools' parameter.", super::wording::shortened(text));
    Err(name.error("invalid_value", message))
}
