//! What a finished program said, and assertions on it.

/// Everything a finished program said and its exit code. Assertions return it, so that they chain.
#[derive(Debug)]
pub(crate) struct Output {
    pub(super) command_line: String,
    /// The exit code; 128 plus the signal's number where a signal ended it, as a shell counts.
    pub(crate) code: i32,
    /// What was said on stdout; bytes that are no UTF-8 are replaced.
    pub(crate) stdout: String,
    /// What was said on stderr; bytes that are no UTF-8 are replaced.
    pub(crate) stderr: String,
    /// What was said on stdout, byte by byte.
    pub(crate) stdout_bytes: Vec<u8>,
}

impl Output {
    /// Asserts that stdout is exactly `expected`.
    #[track_caller]
    pub(crate) fn stdout(self, expected: &str) -> Self {
        assert!(
            self.stdout == expected,
            "expected on stdout: {expected:?}\n{}",
            self.report()
        );
        self
    }

    /// Asserts that stdout contains `expected`.
    #[track_caller]
    pub(crate) fn stdout_contains(self, expected: &str) -> Self {
        assert!(
            self.stdout.contains(expected),
            "expected somewhere on stdout: {expected:?}\n{}",
            self.report()
        );
        self
    }

    /// Asserts that stderr is exactly `expected`.
    #[track_caller]
    pub(crate) fn stderr(self, expected: &str) -> Self {
        assert!(
            self.stderr == expected,
            "expected on stderr: {expected:?}\n{}",
            self.report()
        );
        self
    }

    /// Asserts that stderr contains `expected`.
    #[track_caller]
    pub(crate) fn stderr_contains(self, expected: &str) -> Self {
        assert!(
            self.stderr.contains(expected),
            "expected somewhere on stderr: {expected:?}\n{}",
            self.report()
        );
        self
    }

    /// Asserts the exit code.
    #[track_caller]
    pub(crate) fn exit_code(self, expected: i32) -> Self {
        assert!(
            self.code == expected,
            "expected exit code {expected}\n{}",
            self.report()
        );
        self
    }

    fn report(&self) -> String {
        let Self {
            command_line,
            code,
            stdout,
            stderr,
            ..
        } = self;
        format!(
            "`{command_line}` ended with {code}\n--- stdout\n{stdout}\n--- stderr\n{stderr}\n---"
        )
    }
}
