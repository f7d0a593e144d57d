//! Rules about the source that no compiler checks.

use std::fs;
use std::path::{Path, PathBuf};

/// Layers, from the bottom; a directory imports its own and lower ones.
const LAYERS: &[(&str, u8)] = &[
    ("protocol", 0),
    ("serializer", 0),
    ("framing", 0),
    ("auth", 1),
    ("router", 1),
    ("client", 1),
    ("transport", 2),
    ("node", 2),
    ("echo", 2),
    ("config", 2),
    ("ws", 2),
    ("cli", 3),
];
/// What the deterministic layers must not touch.
const NOT_IN_CORES: &[&str] = &[
    "tokio",
    "tracing",
    "rand::",
    "std::net",
    "std::fs",
    "Instant::now",
    "SystemTime",
    "Mutex",
];
/// Lines of one file, its tests aside.
const LINES_MAX: usize = 500;
/// Where the files are that the map names by the end of their path.
const ON_THE_MAP: &[&str] = &["src", "tests", "benches", "examples", "completions", "man"];

struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The directory below `src/`, which names the layer.
    fn area(&self) -> String {
        let below = self.path.strip_prefix(root().join("src")).unwrap();
        below
            .components()
            .next()
            .unwrap()
            .as_os_str()
            .to_str()
            .unwrap()
            .to_owned()
    }

    fn layer(&self) -> Option<u8> {
        layer(&self.area())
    }

    /// The lines that are product, not unit tests.
    fn product(&self) -> impl Iterator<Item = &str> {
        let modules = "#[cfg(test)]\nmod tests {";
        let end = self.text.find(modules).unwrap_or(self.text.len());
        self.text[..end].lines()
    }

    fn is_test(&self) -> bool {
        self.path.ends_with("tests.rs")
            || self
                .path
                .components()
                .any(|part| part.as_os_str() == "tests")
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn layer(area: &str) -> Option<u8> {
    LAYERS
        .iter()
        .find(|(name, _)| *name == area)
        .map(|(_, layer)| *layer)
}

fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    let mut directories = vec![root().join("src")];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path, text });
            }
        }
    }
    assert!(
        found.len() > 50,
        "the sources are not where this test looks"
    );
    found
}

/// Fails with every complaint at once.
fn expect_none(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

#[test]
fn every_directory_has_a_layer() {
    let is_known = |source: &Source| {
        source.layer().is_some() || ["lib.rs", "main.rs"].contains(&source.area().as_str())
    };
    let strays: Vec<String> = sources()
        .iter()
        .filter(|source| !is_known(source))
        .map(|source| source.path.display().to_string())
        .collect();
    expect_none(&strays);
}

#[test]
fn a_directory_imports_its_own_layer_and_lower_ones() {
    let mut complaints = Vec::new();
    for source in sources().iter().filter(|source| source.layer().is_some()) {
        let own = source.layer().unwrap();
        for line in source
            .product()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for (used, _) in line.match_indices("crate::") {
                let behind = &line[used + "crate::".len()..];
                let area: String = behind
                    .chars()
                    .take_while(|c| c.is_ascii_lowercase() || *c == '_')
                    .collect();
                if layer(&area).is_some_and(|imported| imported > own) {
                    complaints.push(format!(
                        "{}: layer {own} imports {area}",
                        source.path.display()
                    ));
                }
            }
        }
    }
    expect_none(&complaints);
}

#[test]
fn the_cores_have_no_io_no_clock_no_lock_and_no_log() {
    let mut complaints = Vec::new();
    for source in sources()
        .iter()
        .filter(|source| source.layer().is_some_and(|layer| layer < 2) && !source.is_test())
    {
        for line in source
            .product()
            .filter(|line| !line.trim_start().starts_with("//"))
        {
            for word in NOT_IN_CORES.iter().filter(|word| line.contains(**word)) {
                complaints.push(format!("{}: {word}", source.path.display()));
            }
        }
    }
    expect_none(&complaints);
}

#[test]
fn every_file_says_at_its_top_what_it_owns() {
    let sources = sources();
    let silent = sources
        .iter()
        .filter(|source| !source.text.starts_with("//! "));
    expect_none(
        &silent
            .map(|source| format!("{}: no module doc", source.path.display()))
            .collect::<Vec<_>>(),
    );
}

#[test]
fn a_file_holds_one_idea() {
    let too_long = |source: &Source| {
        let lines = source.product().count();
        (lines > LINES_MAX && !source.is_test())
            .then(|| format!("{}: {lines} lines", source.path.display()))
    };
    expect_none(&sources().iter().filter_map(too_long).collect::<Vec<_>>());
}

#[test]
fn no_queue_is_without_a_bound() {
    let unbounded = |source: &Source| {
        source
            .text
            .contains("unbounded")
            .then(|| source.path.display().to_string())
    };
    expect_none(&sources().iter().filter_map(unbounded).collect::<Vec<_>>());
}

#[test]
fn every_package_we_depend_on_is_one_that_architecture_or_cargo_toml_accounts_for() {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let dependencies = manifest
        .split("[dependencies]")
        .nth(1)
        .unwrap()
        .split("[dev-dependencies]")
        .next()
        .unwrap();
    let mut has_reason = false;
    let mut complaints = Vec::new();
    for line in dependencies.lines().filter(|line| !line.is_empty()) {
        has_reason |= line.starts_with('#');
        if !has_reason {
            complaints.push(format!("Cargo.toml: {line} stands under no reason"));
        }
    }
    expect_none(&complaints);
}

/// Every file and directory below these, itself included.
fn below(directory: &Path, found: &mut Vec<PathBuf>) {
    found.push(directory.to_owned());
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        } else {
            found.push(path);
        }
    }
}

#[test]
fn the_map_names_what_is_there() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let mut places = Vec::new();
    for directory in ON_THE_MAP {
        below(&root().join(directory), &mut places);
    }
    // `x` is whatever is added; what begins with a `/` is for browsers, with a `.` for users.
    let is_place = |word: &&str| {
        let is_named =
            word.ends_with('/') || Path::new(word).extension().is_some_and(|it| it == "rs");
        let is_path = word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._".contains(c));
        is_named
            && is_path
            && !word.starts_with('/')
            && !word.contains("x.rs")
            && *word != "x/tests.rs"
    };
    let quoted = map.split('`').skip(1).step_by(2);
    let named: Vec<&str> = quoted
        .map(|word| word.split("::").next().unwrap())
        .filter(is_place)
        .collect();
    assert!(named.len() > 50, "the map is not what this test reads");
    let missing = named
        .iter()
        .filter(|name| !places.iter().any(|place| place.ends_with(name)));
    expect_none(&missing.map(ToString::to_string).collect::<Vec<_>>());
}

#[test]
fn every_directory_is_on_the_map() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).unwrap();
    let missing = LAYERS
        .iter()
        .filter(|(name, layer)| !map.contains(&format!("\n| {layer} | `{name}/` |")));
    expect_none(
        &missing
            .map(|(name, layer)| format!("ARCHITECTURE.md: no {name}/ in layer {layer}"))
            .collect::<Vec<_>>(),
    );
}
