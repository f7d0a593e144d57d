//! Tables for people: columns under titles, without lines.

use comfy_table::{ContentArrangement, Table, presets};

use crate::cli::console::{Palette, printable};

/// Sets rows in columns; empty where there are none. Cells may come from peers.
pub(in crate::cli) fn table(titles: &[&str], rows: &[Vec<String>], palette: Palette) -> String {
    if rows.is_empty() {
        return String::new();
    }
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled);
    table.add_row(titles);
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    let mut lines = text.lines().map(str::trim_end);
    let titles = lines.next().map(|line| palette.note(line));
    let lines = titles.into_iter().chain(lines.map(str::to_owned));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_in_them() {
        let rows = [
            vec!["grün".to_owned(), "1".to_owned()],
            vec!["x\n".to_owned(), String::new()],
        ];
        let text = table(&["name", "n"], &rows, Palette::default());
        assert_eq!(text, "name  n\ngrün  1\nx\\n");
        assert_eq!(table(&["name"], &[], Palette::default()), "");
    }
}
