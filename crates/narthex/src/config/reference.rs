//! The page about all settings, from the list of settings and the defaults themselves.

use std::fmt::Write;

use super::{Config, catalogue::settings, settings::Setting};

const INTRODUCTION: &str = include_str!("reference.md");

/// `docs/configuration.md`.
pub(crate) fn reference() -> String {
    let mut page = INTRODUCTION.to_owned();
    let mut section = None;
    for setting in settings() {
        let table = setting.key.rsplit_once('.').map_or("", |(table, _)| table);
        if section != Some(table) {
            section = Some(table);
            write_heading(&mut page, table);
        }
        write_row(&mut page, setting);
    }
    page
}

fn write_heading(page: &mut String, table: &str) {
    let name = table.replace(".*", "");
    let heading = match table {
        "" => "At the top".to_owned(),
        list if list.ends_with(".*") => format!("`[[{name}]]`"),
        _ => format!("`[{name}]`"),
    };
    let _ = write!(page, "\n## {heading}\n\n| name | takes | default | |\n| --- | --- | --- | --- |\n");
}

fn write_row(page: &mut String, setting: &Setting) {
    let name = setting.key.rsplit('.').next().unwrap_or(setting.key);
    // The first entry of a list that is not there yet: it comes with the defaults of every entry.
    let mut config = Config::default();
    let value = (setting.place)(&mut config, &[0, 0]);
    let default = value
        .show()
        .map_or_else(String::new, |default| format!("`{}`", default.to_string().trim_matches('"')));
    let _ = writeln!(page, "| `{name}` | {} | {default} | {} |", value.kind(), setting.about);
}
