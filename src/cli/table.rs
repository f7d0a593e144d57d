//! Values as a table: what is alike in rows, its parts in columns.

use comfy_table::{ContentArrangement, Table, presets};

use super::console::{Palette, printable};
use super::render;
use crate::protocol::{Dict, Value};

/// A value as a table, at most `width` characters wide where that is known.
///
/// A list of dicts has their names as columns, a list of lists their places; a dict is a row for each name.
pub(super) fn of(value: &Value, width: Option<u16>) -> String {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if let Some(width) = width {
        table.set_width(width);
    }
    match value {
        Value::List(rows) => of_rows(rows, &mut table),
        Value::Dict(dict) => {
            for (name, value) in dict.iter() {
                table.add_row([printable(name), cell(value)]);
            }
        }
        value => drop(table.add_row([cell(value)])),
    }
    // The first column begins where the line does.
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let lines = table.lines().map(|line| line.trim_end().to_owned());
    lines.collect::<Vec<_>>().join("\n")
}

fn of_rows(rows: &[Value], table: &mut Table) {
    let dicts: Option<Vec<&Dict>> = rows.iter().map(as_dict).collect();
    let Some(dicts) = dicts.filter(|dicts| !dicts.is_empty()) else {
        for row in rows {
            match row {
                Value::List(values) => table.add_row(values.iter().map(cell)),
                value => table.add_row([cell(value)]),
            };
        }
        return;
    };
    let mut names: Vec<&str> = Vec::new();
    for (name, _) in dicts.iter().flat_map(|dict| dict.iter()) {
        if !names.contains(&&**name) {
            names.push(name);
        }
    }
    table.set_header(names.iter().map(|name| printable(name)));
    for dict in dicts {
        table.add_row(
            names
                .iter()
                .map(|name| dict.get(name).map_or_else(String::new, cell)),
        );
    }
}

const fn as_dict(value: &Value) -> Option<&Dict> {
    match value {
        Value::Dict(dict) => Some(dict),
        _ => None,
    }
}

/// A text as it is, anything else on one line.
fn cell(value: &Value) -> String {
    match value {
        Value::Text(text) => printable(text),
        value => render::line(value, Palette::default()),
    }
}

#[cfg(test)]
mod tests {
    use super::super::json;
    use super::*;

    #[track_caller]
    fn expect(json: &str, table: &str) {
        assert_eq!(of(&json::parse(json).unwrap(), None), table);
    }

    #[test]
    fn dicts_in_a_list_share_their_columns() {
        expect(
            r#"[{"id":1,"uri":"sum"},{"uri":"a.b","x":[1]}]"#,
            "id  uri  x\n1   sum\n    a.b  [1]",
        );
    }

    #[test]
    fn lists_and_dicts_are_rows() {
        expect(r#"[[1,"a"],[22,"b"]]"#, "1   a\n22  b");
        expect(
            r#"{"name":"x","long":{"a":1}}"#,
            "name  x\nlong  {\"a\": 1}",
        );
        expect("[1,2]", "1\n2");
        expect("\"a\\nb\"", "a\\nb");
    }
}
