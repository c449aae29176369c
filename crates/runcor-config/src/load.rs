//! From a file or a text to a [`Config`].

use std::fmt;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use crate::check::check;
use crate::config::Config;
use crate::discover::{candidates, discover};
use crate::error::{Error, Warning};
use crate::findings::Findings;
use crate::interpolate;
use crate::node::{Content, Place};
use crate::path::Path as FilePath;
use crate::{rules, schema, yaml};

/// The largest file that is read, in bytes.
pub const MAX_FILE_BYTES: usize = 1024 * 1024;

/// Where variables come from: the value of a name, if it is set.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where to look for the file and for variables.
#[derive(Clone)]
pub struct LoadOptions<'a> {
    /// The file, where the user named one; relative to `cwd`.
    pub path: Option<PathBuf>,
    /// The working directory.
    pub cwd: PathBuf,
    /// The environment variables.
    pub env: Env<'a>,
}

impl<'a> LoadOptions<'a> {
    /// Looks in `cwd`, and for variables in `env`.
    #[must_use]
    pub fn new(cwd: impl Into<PathBuf>, env: Env<'a>) -> Self {
        Self { path: None, cwd: cwd.into(), env }
    }

    /// Names the file, relative to the working directory.
    #[must_use]
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }
}

impl LoadOptions<'static> {
    /// Looks in the working directory and the environment of this process.
    ///
    /// # Errors
    /// Fails when the process has no working directory any more.
    pub fn from_process() -> io::Result<Self> {
        Ok(Self::new(std::env::current_dir()?, &process_env))
    }
}

impl fmt::Debug for LoadOptions<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoadOptions")
            .field("path", &self.path)
            .field("cwd", &self.cwd)
            .finish_non_exhaustive()
    }
}

/// Returns an environment variable of this process; one that is not Unicode counts as unset.
#[must_use]
pub fn process_env(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A configuration and what was noticed while it was loaded.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The configuration.
    pub config: Config,
    /// What is allowed but probably not meant.
    pub warnings: Vec<Warning>,
    /// The file, where there was one.
    pub path: Option<PathBuf>,
}

/// Finds and loads the configuration file.
///
/// ```no_run
/// use runcor_config::{LoadOptions, load};
///
/// let loaded = load(&LoadOptions::from_process()?.path("conf/runcor.yaml"))?;
/// println!("port {}", loaded.config.http_server.port);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// Returns [`Error::NotFound`] when there is no file, and otherwise what is wrong with it.
pub fn load(options: &LoadOptions<'_>) -> Result<Loaded, Error> {
    let Some(path) = discover(options)? else {
        return Err(Error::NotFound { looked: candidates(&options.cwd) });
    };
    let shown = path.strip_prefix(&options.cwd).unwrap_or(&path).to_owned();
    let bytes = read(&path).map_err(|source| Error::Unreadable { file: shown.clone(), source })?;
    let loaded = from_bytes(&bytes, options.env, &shown)?;
    Ok(Loaded { path: Some(path), ..loaded })
}

/// Loads a configuration from a text.
///
/// # Errors
/// Returns [`Error::Invalid`] with all mistakes of the text.
pub fn parse(text: &str, env: Env<'_>) -> Result<Loaded, Error> {
    from_bytes(text.as_bytes(), env, Path::new("runcor.yaml"))
}

/// Reads a file, at most one byte more than is allowed.
fn read(path: &Path) -> io::Result<Vec<u8>> {
    if !path.metadata()?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_FILE_BYTES).unwrap_or(u64::MAX) + 1;
    File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn from_bytes(bytes: &[u8], env: Env<'_>, file: &Path) -> Result<Loaded, Error> {
    let mut findings = Findings::default();
    let config = config(bytes, env, &mut findings);
    match (findings.finish(), config) {
        (Ok(warnings), Some(config)) => Ok(Loaded { config, warnings, path: None }),
        (Ok(_), None) => {
            Err(Error::Invalid { file: file.to_owned(), problems: vec![], more: true })
        }
        (Err((problems, more)), _) => Err(Error::Invalid { file: file.to_owned(), problems, more }),
    }
}

/// Goes the whole way; gives nothing when there were problems.
fn config(bytes: &[u8], env: Env<'_>, findings: &mut Findings) -> Option<Config> {
    let text = text(bytes, findings)?;
    let mut root = yaml::compose(text, findings)?;
    if matches!(root.content, Content::Null) {
        root.content = Content::Map(Vec::new());
    }
    interpolate::fill(&mut root, env, findings);
    if matches!(root.content, Content::Broken) {
        return None;
    }
    if !matches!(root.content, Content::Map(_)) {
        let message = format!("expected a mapping of sections, found {}", root.kind());
        findings.problem(FilePath::Root, root.place, message);
        return None;
    }
    let json = check(&root, &schema::strict(), findings);
    rules::apply(&root, env, findings);
    if findings.has_problems() {
        return None;
    }
    match serde_json::from_value::<Config>(json) {
        Ok(mut config) => {
            config.fall_back_to(env);
            Some(config)
        }
        // The schema is made from the same structs, so this is for the day they differ.
        Err(_) => {
            findings.problem(FilePath::Root, Place::START, "the file does not fit its schema");
            None
        }
    }
}

/// Returns the bytes as text, if they are one and not too many.
fn text<'b>(bytes: &'b [u8], findings: &mut Findings) -> Option<&'b str> {
    if bytes.len() > MAX_FILE_BYTES {
        findings.problem(FilePath::Root, Place::START, "the file is larger than 1 MiB");
        return None;
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let sound = bytes.get(..error.valid_up_to()).unwrap_or_default();
            let at = end_of(std::str::from_utf8(sound).unwrap_or_default());
            findings.problem(FilePath::Root, at, "not UTF-8; save the file as UTF-8");
            return None;
        }
    };
    if let Some(at) = text.find('\0') {
        let at = end_of(text.get(..at).unwrap_or_default());
        findings.problem(FilePath::Root, at, "a NUL character stands here; remove it");
        return None;
    }
    Some(text)
}

fn end_of(text: &str) -> Place {
    let line = text.matches('\n').count() + 1;
    let column = text.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place { line, column }
}
