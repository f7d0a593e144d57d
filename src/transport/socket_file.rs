//! The file of a Unix socket: made when it is listened on, gone when that ends.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixSocket};

/// Who may connect where nothing else is said: only the user that the server runs as.
const MODE: u32 = 0o600;
/// The longest path of a socket: `sun_path` of the system's `sockaddr_un`, less its end.
const PATH_BYTES_MAX: usize = 107;
/// How many connections wait to be accepted.
const BACKLOG: u32 = 1024;

/// A socket's file; removed when dropped, if it still is the one that was made.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    inode: u64,
}

/// Listens at a path as `/run/wamp.sock`, or `/run/wamp.sock?mode=660` for who else may connect. A file that a server
/// left behind is replaced; one that somebody listens at is not.
pub(super) fn listen(address: &str) -> io::Result<(UnixListener, SocketFile)> {
    let (path, mode) = parse(address)?;
    let listener = bind(path, mode).or_else(|error| {
        if error.kind() != ErrorKind::AddrInUse || !is_stale(path)? {
            return Err(error);
        }
        fs::remove_file(path)?;
        bind(path, mode)
    })?;
    let inode = fs::symlink_metadata(path)?.ino();
    let path = path.to_owned();
    Ok((listener, SocketFile { path, inode }))
}

/// Says whether a path of a Unix socket is written as one is, with its mode.
///
/// # Errors
/// What is wrong with it.
pub fn check_socket_path(address: &str) -> io::Result<()> {
    let (path, _) = parse(address)?;
    // bound: what the system has room for in a socket's address.
    let length = path.as_os_str().len();
    if length == 0 || length > PATH_BYTES_MAX {
        let text = format!("the path of a Unix socket has 1 to {PATH_BYTES_MAX} bytes");
        return Err(io::Error::new(ErrorKind::InvalidInput, text));
    }
    Ok(())
}

/// The path and the mode of `PATH` or `PATH?mode=660`.
fn parse(address: &str) -> io::Result<(&Path, u32)> {
    let Some((path, query)) = address.split_once('?') else {
        return Ok((Path::new(address), MODE));
    };
    let mode = query.strip_prefix("mode=");
    let mode = mode.and_then(|mode| u32::from_str_radix(mode, 8).ok());
    match mode.filter(|&mode| mode <= 0o777) {
        Some(mode) => Ok((Path::new(path), mode)),
        None => Err(io::Error::new(
            ErrorKind::InvalidInput,
            format!("{query:?} is no mode as mode=660"),
        )),
    }
}

fn bind(path: &Path, mode: u32) -> io::Result<UnixListener> {
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    // order: nobody can connect before it listens, so nobody does who may not.
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    socket.listen(BACKLOG)
}

/// Whether a socket lies there that nobody listens at.
fn is_stale(path: &Path) -> io::Result<bool> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        let text = "a file is there that is no socket";
        return Err(io::Error::new(ErrorKind::AlreadyExists, text));
    }
    let connected = UnixStream::connect(path);
    Ok(connected.is_err_and(|error| error.kind() == ErrorKind::ConnectionRefused))
}

impl SocketFile {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        let is_ours = |found: fs::Metadata| found.ino() == self.inode;
        if fs::symlink_metadata(&self.path).is_ok_and(is_ours) {
            // Nothing depends on it: the next server replaces it.
            let _ = fs::remove_file(&self.path);
        }
    }
}
