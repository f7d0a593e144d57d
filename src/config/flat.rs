//! Small files of settings without tables: a key and its text on each line.

use super::error::ConfigError;
use super::file::{read, settled};

/// A setting that such a file may have.
#[derive(Clone, Copy, Debug)]
pub struct FlatKey {
    /// Its name.
    pub name: &'static str,
    /// Whether it is `true` or `false`; a text otherwise.
    pub is_flag: bool,
    /// Says what is wrong with a text.
    pub check: fn(&str) -> Result<(), String>,
}

/// Reads a file's settings, those that are there, in the order of `keys`. `refuse` says why a key is not taken here.
///
/// # Errors
/// [`ConfigError`], with everything that is wrong by line and key.
pub fn read_flat(
    text: &str,
    file: &str,
    keys: &[FlatKey],
    refuse: impl Fn(&str) -> Option<String>,
) -> Result<Vec<(&'static str, String)>, ConfigError> {
    let (settings, wrong) = read(text, file, |root| {
        let take = |key: &FlatKey| {
            let value = if key.is_flag {
                root.flag(key.name)?.to_string()
            } else {
                root.text(key.name, |text| (key.check)(text).map(|()| text.to_owned()))?
            };
            if let Some(why) = refuse(key.name) {
                root.refuse_key(key.name, why);
            }
            Some((key.name, value))
        };
        keys.iter().filter_map(take).collect()
    })
    .map_err(ConfigError::Syntax)?;
    settled(settings, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(&'static str, String)>, String> {
        let check = |text: &str| {
            if text == "bad" {
                Err("it is bad".to_owned())
            } else {
                Ok(())
            }
        };
        let key = |name, is_flag| FlatKey {
            name,
            is_flag,
            check,
        };
        let refuse = |name: &str| (name == "secret").then(|| "not here".to_owned());
        let keys = [
            key("url", false),
            key("insecure", true),
            key("secret", false),
        ];
        read_flat(text, "f", &keys, refuse).map_err(|error| error.to_string())
    }

    #[test]
    fn settings_come_as_texts() {
        let settings = read("insecure = true\nurl = \"x\"\n").unwrap();
        assert_eq!(
            settings,
            [("url", "x".to_owned()), ("insecure", "true".to_owned())]
        );
    }

    #[test]
    fn what_is_wrong_is_told_by_line_and_key() {
        let told = |text| read(text).unwrap_err();
        assert_eq!(told("\nurl = \"bad\""), "f:2:7: url: it is bad");
        assert_eq!(
            told("url = \"x\"\nsecret = \"x\""),
            "f:2:10: secret: not here"
        );
        assert!(told("ulr = \"x\"").contains("did you mean `url`?"));
        assert!(told("insecure = \"yes\"").starts_with("f:1:12: insecure: "));
        assert!(told("url = ").starts_with("f:1:7: "));
    }
}
