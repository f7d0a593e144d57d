//! Everything that says settings beside flags and variables, the first to be asked first.

use std::path::Path;

use super::keys::{KEYS, Key};
use super::project::Project;
use super::store::{Name, Settings, Store};
use crate::cli::exit::Failure;

/// One of them.
#[derive(Clone, Debug)]
pub(in crate::cli) struct Layer {
    /// What it is, for people.
    pub(in crate::cli) origin: String,
    pub(in crate::cli) settings: Settings,
}

impl Layer {
    fn new(origin: String, mut settings: Settings, folder: Option<&Path>) -> Self {
        for (key, value) in &mut settings {
            if let (true, Some(folder)) = (key.is_file(), folder) {
                *value = folder.join(&*value).display().to_string();
            }
        }
        Self { origin, settings }
    }

    pub(super) fn get(&self, key: Key) -> Option<&str> {
        let found = self.settings.iter().find(|(own, _)| *own == key);
        found.map(|(_, value)| value.as_str())
    }
}

/// All of them.
#[derive(Clone, Debug, Default)]
pub(in crate::cli) struct Layers(pub(super) Vec<Layer>);

impl Layers {
    /// Reads what there is. `context` is the one that a flag or a variable names.
    ///
    /// # Errors
    /// A file that cannot be read, that others can, or that makes no sense.
    pub(in crate::cli) fn read(context: Option<&Name>) -> Result<Self, Failure> {
        let mut layers = Vec::new();
        let of_context = |store: &Store, name: &Name| {
            let settings = store.read(name)?;
            let file = store.file(name);
            let origin = format!("context {}", name.as_str());
            Ok::<_, Failure>(Layer::new(origin, settings, file.parent()))
        };
        if let Some(name) = context {
            layers.push(of_context(&Store::open()?, name)?);
        }
        if let Some(project) = Project::find()? {
            let origin = project.file.display().to_string();
            let folder = Some(project.folder());
            layers.push(Layer::new(origin, project.settings()?, folder));
        }
        if context.is_none()
            && let Ok(store) = Store::open()
            && let Some(selected) = store.selected()
        {
            if !store.file(&selected).exists() {
                let message = format!("the selected context {:?} is gone", selected.as_str());
                let hint = "select another: wamp ctx use NAME; or none: wamp ctx use --none";
                return Err(Failure::local(message).hint(hint));
            }
            layers.push(of_context(&store, &selected)?);
        }
        layers.extend(wick());
        Ok(Self(layers))
    }
}

/// What wick's variables say, for those who come from there.
fn wick() -> Option<Layer> {
    let said = KEYS.into_iter().filter_map(|key| {
        let value = std::env::var(key.wick_variable()?).ok()?;
        (!value.is_empty() && (key.check())(&value).is_ok()).then_some((key, value))
    });
    let settings: Settings = said.collect();
    (!settings.is_empty()).then(|| Layer::new("WICK_* variables".to_owned(), settings, None))
}
