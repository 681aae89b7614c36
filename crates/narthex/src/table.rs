//! Columns for people.

use anstyle::Style;
use clap::ValueEnum;

const HEADER: Style = Style::new().bold();

/// How a command prints what it found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    #[default]
    Table,
    /// For programs: durations are whole milliseconds.
    Json,
}

/// Rows of cells under a header, in columns that are as wide as they need to be.
pub(crate) struct Table {
    rows: Vec<Vec<Cell>>,
}

/// One text in a table.
pub(crate) struct Cell {
    text: String,
    style: Style,
    is_number: bool,
}

impl Cell {
    /// A text. What cannot stand in a line is escaped.
    pub(crate) fn text(text: &str) -> Self {
        Self { text: harmless(text).replace('\n', "\\n"), style: Style::new(), is_number: false }
    }

    /// A number, which stands at the right of its column.
    pub(crate) fn number(number: impl ToString) -> Self {
        Self { text: number.to_string(), style: Style::new(), is_number: true }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    pub(crate) const fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }
}

impl Table {
    /// A table with this header. Where a column has numbers, `#` stands before its name.
    pub(crate) fn new(header: &[&str]) -> Self {
        let cell = |name: &&str| match name.strip_prefix('#') {
            Some(name) => Cell::number(name),
            None => Cell::text(name),
        };
        Self { rows: vec![header.iter().map(|name| cell(name).styled(HEADER)).collect()] }
    }

    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        self.rows.push(row);
    }

    pub(crate) fn to_text(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let lengths = self.rows.iter().filter_map(|row| row.get(column)).map(Cell::width);
            lengths.max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        self.rows.iter().map(|row| line(row, &widths) + "\n").collect()
    }
}

fn line(row: &[Cell], widths: &[usize]) -> String {
    let pad = |(cell, width): (&Cell, &usize)| {
        let Cell { text, style, is_number } = cell;
        let gap = " ".repeat(width - cell.width());
        if *is_number {
            format!("{gap}{style}{text}{style:#}")
        } else {
            format!("{style}{text}{style:#}{gap}")
        }
    };
    let cells: Vec<_> = row.iter().zip(widths).map(pad).collect();
    cells.join("  ").trim_end().to_owned()
}

/// `text` without what a terminal would obey: names and requests are anybody's.
pub(crate) fn harmless(text: &str) -> String {
    let escape =
        |c: char| if c.is_control() && c != '\n' { c.escape_default().to_string() } else { c.into() };
    text.chars().map(escape).collect()
}
