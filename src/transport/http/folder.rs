//! A folder of files for browsers: nothing outside it is reached, and nothing hidden in it.
//!
//! Paths, content types, ranges, validators and redirects are tower-http's [`ServeDir`]; here is what it may open, and
//! what it leaves open about a response. Nothing lists a folder.

use std::io;
use std::path::{Component, Path, PathBuf};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http_body_util::BodyExt;
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Request, StatusCode};
use tokio::task::spawn_blocking;
use tower_http::services::fs::{Backend, DefaultServeDirFallback, TokioBackend};
use tower_http::services::{ServeDir, fs::ServeFileSystemResponseBody};
use tracing::warn;

use super::response::{Page, forbid_guessing, plain};

/// The one hidden name that is for others (RFC 8615).
const WELL_KNOWN: &str = ".well-known";

/// A folder whose files are served.
#[derive(Clone, Debug)]
pub struct Folder {
    files: ServeDir<DefaultServeDirFallback, Confined>,
}

impl Folder {
    /// Takes a folder that is there.
    ///
    /// What it is called is looked up anew for each file: a link may be turned to another folder while it is served.
    ///
    /// # Errors
    /// The system's answer where the path leads to no folder.
    pub fn open(path: &Path) -> io::Result<Self> {
        if !path.metadata()?.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let confined = Confined {
            root: path.to_owned(),
        };
        Ok(Self {
            files: ServeDir::with_backend(path, confined).ignore_multi_range_requests(true),
        })
    }

    /// The file that a GET or HEAD asks for; `None` where there is none that is for others.
    pub(super) async fn answer(&self, request: &Request<()>) -> Option<Page> {
        // Two slashes at the start would be taken for a host in the `Location` of a redirect.
        let path = request.uri().path();
        if !path.starts_with('/') || path.starts_with("//") {
            return None;
        }
        let page = self.serve(request).await?;
        if !is_part_of_another(request.headers(), &page) {
            return Some(page);
        }
        let mut whole = request.clone();
        whole.headers_mut().remove(header::RANGE);
        self.serve(&whole).await
    }

    async fn serve(&self, request: &Request<()>) -> Option<Page> {
        let response = match self.files.clone().try_call(request.clone()).await {
            Ok(response) => response,
            Err(error) if is_absence(&error) => return None,
            Err(error) => {
                warn!(path = request.uri().path(), "cannot read a file: {error}");
                let text = "the file cannot be read";
                return Some(plain(StatusCode::INTERNAL_SERVER_ERROR, text));
            }
        };
        if response.status() == StatusCode::NOT_FOUND {
            return None;
        }
        let mut page = response.map(ServeFileSystemResponseBody::boxed_unsync);
        name_charset(page.headers_mut());
        forbid_guessing(page.headers_mut());
        Some(page)
    }
}

/// Whether a range was asked for of a file that has changed since: the whole is due then (RFC 9110, If-Range).
fn is_part_of_another(asked: &HeaderMap, page: &Page) -> bool {
    let ranged = [
        StatusCode::PARTIAL_CONTENT,
        StatusCode::RANGE_NOT_SATISFIABLE,
    ];
    let is_current = |validator: &HeaderValue| {
        [header::ETAG, header::LAST_MODIFIED]
            .iter()
            .any(|name| page.headers().get(name) == Some(validator))
    };
    ranged.contains(&page.status()) && asked.get(header::IF_RANGE).is_some_and(|v| !is_current(v))
}

/// Text is UTF-8: without that said, browsers guess.
fn name_charset(headers: &mut HeaderMap) {
    let named = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .filter(|value| value.starts_with("text/") && !value.contains(';'))
        .and_then(|value| HeaderValue::from_str(&format!("{value}; charset=utf-8")).ok());
    if let Some(named) = named {
        headers.insert(header::CONTENT_TYPE, named);
    }
}

fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, NotADirectory, NotFound, PermissionDenied};
    [NotFound, PermissionDenied, NotADirectory, InvalidFilename].contains(&error.kind())
}

/// Opens files below its root, and no others.
#[derive(Clone, Debug)]
struct Confined {
    root: PathBuf,
}

impl Backend for Confined {
    type File = <TokioBackend as Backend>::File;
    type Metadata = <TokioBackend as Backend>::Metadata;
    type OpenFuture = BoxFuture<'static, io::Result<Self::File>>;
    type MetadataFuture = BoxFuture<'static, io::Result<Self::Metadata>>;

    fn open(&self, path: PathBuf) -> Self::OpenFuture {
        let root = self.root.clone();
        async move {
            let (file, metadata) = resolved(root, path).await?;
            // Opening a pipe would wait for somebody to write to it, for ever.
            if !metadata.is_file() {
                return Err(io::ErrorKind::NotFound.into());
            }
            TokioBackend.open(file).await
        }
        .boxed()
    }

    fn metadata(&self, path: PathBuf) -> Self::MetadataFuture {
        let root = self.root.clone();
        async move { Ok(resolved(root, path).await?.1) }.boxed()
    }
}

async fn resolved(root: PathBuf, path: PathBuf) -> io::Result<(PathBuf, std::fs::Metadata)> {
    let resolving = spawn_blocking(move || resolve(&root, &path));
    resolving.await.map_err(io::Error::other)?
}

/// What a path leads to once every link in it is followed, if that is below the root and not hidden there.
///
/// Who may write to the folder can put something else in its place before it is opened; it is theirs.
fn resolve(root: &Path, path: &Path) -> io::Result<(PathBuf, std::fs::Metadata)> {
    let absent = || io::Error::from(io::ErrorKind::NotFound);
    // A name that is too long, links in a circle: nothing is there.
    let found = path.canonicalize().map_err(|_| absent())?;
    let below = found
        .strip_prefix(root.canonicalize()?)
        .map_err(|_| absent())?;
    if below.components().any(is_hidden) {
        return Err(absent());
    }
    let metadata = found.metadata()?;
    Ok((found, metadata))
}

fn is_hidden(part: Component<'_>) -> bool {
    let name = part.as_os_str();
    name.as_encoded_bytes().starts_with(b".") && name != WELL_KNOWN
}
