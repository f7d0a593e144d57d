//! A Chromium that a test tells what to do; the orders are described in `peers/browser.cjs`.

use serde_json::{Value, json};

use crate::peer::{installed, node, script_path};
use crate::support::Program;

/// The two libraries that pages may load as `wamp.js`.
pub(crate) const LIBRARIES: [Library; 2] = [Library::Ours, Library::Autobahn];

/// What a page gets when it asks for `wamp.js`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Library {
    /// What is there: ours.
    Ours,
    /// autobahn-js, as browsers get it.
    Autobahn,
}

/// A browser of a test's own; [`finish`](Self::finish) fails if anything went wrong on its pages.
#[derive(Debug)]
pub(crate) struct Browser {
    program: Program,
}

impl Browser {
    #[track_caller]
    pub(crate) fn start() -> Self {
        let mut program = Program::start(node("browser.cjs"));
        let ready = program.next_line();
        assert!(ready.contains("ready"), "{ready}");
        Self { program }
    }

    /// Opens a page under a name of the test's.
    #[track_caller]
    pub(crate) fn open(&mut self, page: &str, url: &str, library: Library) {
        let file = match library {
            Library::Ours => None,
            Library::Autobahn => Some(installed(
                "node/node_modules/autobahn-browser/autobahn.min.js",
            )),
        };
        self.order(&json!({"do": "open", "page": page, "url": url, "library": file}));
    }

    /// Writes into a field.
    #[track_caller]
    pub(crate) fn fill(&mut self, page: &str, at: &str, text: &str) {
        self.order(&json!({"do": "fill", "page": page, "at": at, "text": text}));
    }

    /// Chooses from a list.
    #[track_caller]
    pub(crate) fn choose(&mut self, page: &str, at: &str, text: &str) {
        self.order(&json!({"do": "choose", "page": page, "at": at, "text": text}));
    }

    /// Clicks, once the element can be clicked.
    #[track_caller]
    pub(crate) fn click(&mut self, page: &str, at: &str) {
        self.order(&json!({"do": "click", "page": page, "at": at}));
    }

    /// Waits until an element's text is this.
    #[track_caller]
    pub(crate) fn expect(&mut self, page: &str, at: &str, text: &str) {
        self.order(&json!({"do": "expect", "page": page, "at": at, "text": text}));
    }

    /// Runs a function from a file of ours in the page; returns what it returns.
    #[track_caller]
    pub(crate) fn run(&mut self, page: &str, script: &str, args: &Value) -> Value {
        let file = script_path(script);
        self.order(&json!({"do": "run", "page": page, "file": file, "args": args}))
    }

    #[track_caller]
    pub(crate) fn close(&mut self, page: &str) {
        self.order(&json!({"do": "close", "page": page}));
    }

    /// Takes what the pages have complained about since it was last asked.
    #[track_caller]
    pub(crate) fn errors(&mut self) -> Vec<String> {
        let errors = self.order(&json!({"do": "errors"}));
        serde_json::from_value(errors).unwrap()
    }

    /// Ends it; fails if a page has complained about anything.
    #[track_caller]
    pub(crate) fn finish(mut self) {
        assert_eq!(self.errors(), [""; 0]);
        self.program.close_stdin();
        self.program.finish().exit_code(0);
    }

    #[track_caller]
    fn order(&mut self, order: &Value) -> Value {
        self.program.write(&format!("{order}\n"));
        let mut answer: Value = serde_json::from_str(&self.program.next_line()).unwrap();
        assert!(answer.get("failed").is_none(), "{order}: {answer:#}");
        answer["done"].take()
    }
}
