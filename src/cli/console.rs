//! What is said beside the answer: notes on stderr, and whether colours are wanted.

use std::io::{self, IsTerminal as _, Write as _};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::{ArgAction, ValueEnum};
use colored::Colorize as _;

/// Flags that say how much is said, and how.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Output")]
pub(super) struct ConsoleArgs {
    /// Say less: -q no notes, -qq no output either
    #[arg(short, long, action = ArgAction::Count, conflicts_with = "verbose")]
    quiet: u8,
    /// Say more: -v about the session, -vv every message
    #[arg(short, long, action = ArgAction::Count)]
    verbose: u8,
    /// Show every message as it would be in JSON, and when it came or went
    #[arg(long)]
    trace: bool,
    /// Say an error as one line of JSON: code, uri, args, kwargs, message, hint
    #[arg(long)]
    json_errors: bool,
    #[arg(help = "When to colour; NO_COLOR and CLICOLOR_FORCE are respected")]
    #[arg(long, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto)]
    color: ColorChoice,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum ColorChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// Who is told what, and how.
#[derive(Clone, Debug)]
pub(super) struct Console {
    quiet: u8,
    verbose: u8,
    stdout: Palette,
    stdout_is_terminal: bool,
    stderr_is_terminal: bool,
}

/// Whether a stream gets colours. Each stream has its own; `colored`'s one global is forced on once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Palette {
    on: bool,
}

/// For [`report`](super::report), which runs after everything else, or before.
static STDERR: OnceLock<Palette> = OnceLock::new();
/// For the same: whether errors are JSON.
static JSON_ERRORS: OnceLock<bool> = OnceLock::new();
/// Whether a line stands on the terminal that what is said next has to replace.
static IS_DRAWN: AtomicBool = AtomicBool::new(false);

impl Console {
    pub(super) fn new(args: &ConsoleArgs) -> Self {
        colored::control::set_override(true);
        let stdout_is_terminal = io::stdout().is_terminal();
        let stderr_is_terminal = io::stderr().is_terminal();
        let stderr = Palette::decide(args.color, stderr_is_terminal);
        STDERR.get_or_init(|| stderr);
        JSON_ERRORS.get_or_init(|| args.json_errors);
        let console = Self {
            quiet: args.quiet,
            verbose: args.verbose,
            stdout: Palette::decide(args.color, stdout_is_terminal),
            stdout_is_terminal,
            stderr_is_terminal,
        };
        if args.trace {
            show_frames(stderr, true);
        } else if console.verbose > 1 {
            show_frames(stderr, false);
        }
        console
    }

    /// Says what is going on.
    pub(super) fn note(&self, text: &str) {
        if let Some(line) = self.note_line(text) {
            say(&line);
        }
    }

    /// The line that [`note`](Self::note) would say, with its end; `None` where nothing is to be said.
    pub(super) fn note_line(&self, text: &str) -> Option<String> {
        let line = format!("-- {}", printable(text));
        (self.quiet == 0).then(|| format!("{}\n", stderr_palette().note(&line)))
    }

    /// Says what only the curious want to know.
    pub(super) fn fact(&self, text: &str) {
        if self.is_verbose() {
            self.note(text);
        }
    }

    /// Whether the curious are told, too.
    pub(super) const fn is_verbose(&self) -> bool {
        self.verbose > 0
    }

    /// Whether notes are read by a person, now.
    pub(super) const fn is_watched(&self) -> bool {
        self.stderr_is_terminal && self.quiet == 0
    }

    /// Whether results are not wanted.
    pub(super) const fn is_mute(&self) -> bool {
        self.quiet > 1
    }

    pub(super) const fn stdout(&self) -> Palette {
        self.stdout
    }

    pub(super) const fn stderr_is_terminal(&self) -> bool {
        self.stderr_is_terminal
    }

    pub(super) const fn stdout_is_terminal(&self) -> bool {
        self.stdout_is_terminal
    }
}

impl Palette {
    fn decide(choice: ColorChoice, is_terminal: bool) -> Self {
        let set = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let on = match choice {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto if set("NO_COLOR").is_some() => false,
            ColorChoice::Auto if set("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
            ColorChoice::Auto => is_terminal && set("TERM").is_none_or(|term| term != "dumb"),
        };
        Self { on }
    }

    pub(super) const fn is_on(self) -> bool {
        self.on
    }

    fn paint(self, text: &str, style: impl Fn(&str) -> colored::ColoredString) -> String {
        if self.on {
            style(text).to_string()
        } else {
            text.to_owned()
        }
    }

    pub(super) fn error(self, text: &str) -> String {
        self.paint(text, |text| text.red().bold())
    }

    pub(super) fn note(self, text: &str) -> String {
        self.paint(text, |text| text.dimmed())
    }

    pub(super) fn topic(self, text: &str) -> String {
        self.paint(text, |text| text.cyan().bold())
    }

    pub(super) fn name(self, text: &str) -> String {
        self.paint(text, |text| text.blue())
    }

    pub(super) fn text(self, text: &str) -> String {
        self.paint(text, |text| text.green())
    }

    pub(super) fn number(self, text: &str) -> String {
        self.paint(text, |text| text.yellow())
    }

    pub(super) fn word(self, text: &str) -> String {
        self.paint(text, |text| text.magenta())
    }
}

/// The colours of stderr, also before a command line was understood.
pub(super) fn stderr_palette() -> Palette {
    *STDERR.get_or_init(|| {
        colored::control::set_override(true);
        Palette::decide(ColorChoice::Auto, io::stderr().is_terminal())
    })
}

/// Writes to stderr at once, so that what two processes say does not mix.
pub(super) fn say(text: &str) {
    undraw();
    // With stderr gone there is nobody to tell.
    let _ = io::stderr().lock().write_all(text.as_bytes());
}

/// Draws a line on the terminal that is stderr, in place of the one drawn before, to stay until something is said.
pub(super) fn draw(line: &str) {
    let line = stderr_palette().note(&format!("-- {line}"));
    IS_DRAWN.store(true, Ordering::Relaxed);
    let _ = io::stderr()
        .lock()
        .write_all(format!("\r\x1b[K{line}").as_bytes());
}

/// Takes the drawn line away, if there is one.
pub(super) fn undraw() {
    if IS_DRAWN.swap(false, Ordering::Relaxed) {
        let _ = io::stderr().lock().write_all(b"\r\x1b[K");
    }
}

/// A text from elsewhere that cannot move the cursor, ring, recolour, begin a line or turn one around: control
/// characters as `\u001b`.
pub(super) fn printable(text: &str) -> String {
    use std::fmt::Write as _;
    if !text.contains(is_unsafe) {
        return text.to_owned();
    }
    let mut safe = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if c == '\n' {
            safe.push_str("\\n");
        } else if is_unsafe(c) {
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

/// Control characters, and those that change the direction of writing.
fn is_unsafe(c: char) -> bool {
    let is_bidi =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    c.is_control() || is_bidi
}

/// Whether errors are said as JSON, also before a command line was understood.
pub(super) fn wants_json_errors() -> bool {
    let is_asked_for = || std::env::args_os().any(|word| word == "--json-errors");
    JSON_ERRORS.get().copied().unwrap_or_else(is_asked_for)
}

/// Sends every message of the session to stderr.
fn show_frames(palette: Palette, with_time: bool) {
    use tracing_subscriber::EnvFilter;
    use tracing_subscriber::fmt::time::Uptime;
    let shown = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("wamp::frame=trace"))
        .with_writer(io::stderr)
        .with_ansi(palette.on)
        .with_target(false)
        .with_level(false);
    let shown = if with_time {
        shown.with_timer(Uptime::default()).try_init()
    } else {
        shown.without_time().try_init()
    };
    // Somebody else shows them already.
    drop(shown);
}
