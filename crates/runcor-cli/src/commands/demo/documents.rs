//! The documents: those that come with runcor, or a folder of the user's.

use std::io::Read;
use std::path::{Path, PathBuf};

use crate::console::{Console, harmless};
use crate::failure::Failure;

/// The longest text that a model is shown, in bytes.
const LONGEST: usize = 64 * 1024;

/// How many documents one demo reads at most.
const MOST: usize = 1_000;

/// For how many files that are left out the reason is told.
const MOST_TOLD: usize = 10;

/// One document.
pub(crate) struct Document {
    pub(crate) name: String,
    pub(crate) format: String,
    pub(crate) text: String,
    /// Whether only the beginning is shown to the model.
    pub(crate) truncated: bool,
}

/// The documents that come with runcor, in their original formats.
const INCLUDED: &[(&str, &str)] = &[
    ("complaint.eml", include_str!("../../../assets/demo/documents/complaint.eml")),
    ("incident.html", include_str!("../../../assets/demo/documents/incident.html")),
    ("invoice.csv", include_str!("../../../assets/demo/documents/invoice.csv")),
    ("lease.txt", include_str!("../../../assets/demo/documents/lease.txt")),
    ("minutes.md", include_str!("../../../assets/demo/documents/minutes.md")),
    ("order.json", include_str!("../../../assets/demo/documents/order.json")),
];

/// Reads the documents of a folder, or those that come with runcor.
pub(crate) fn read(folder: Option<&Path>, console: &Console) -> Result<Vec<Document>, Failure> {
    let Some(folder) = folder else {
        return Ok(INCLUDED
            .iter()
            .map(|(name, text)| document((*name).to_owned(), (*text).to_owned()))
            .collect());
    };
    let mut documents = Vec::new();
    let mut left_out = Vec::new();
    for path in files(folder)? {
        match read_one(&path) {
            Ok(found) if documents.len() < MOST => documents.push(found),
            Ok(_) => {
                console.warn(format!("only the first {MOST} documents are read"));
                break;
            }
            Err(reason) => left_out.push(format!("{} is left out: {reason}", path.display())),
        }
    }
    for reason in left_out.iter().take(MOST_TOLD) {
        console.warn(reason);
    }
    if left_out.len() > MOST_TOLD {
        console.warn(format!("and {} other files are left out", left_out.len() - MOST_TOLD));
    }
    if documents.is_empty() {
        let message = format!("{} has no document that can be read as text", folder.display());
        return Err(Failure::new("NO_DOCUMENTS", message));
    }
    Ok(documents)
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let failed = |error: std::io::Error| {
        Failure::new("IO_ERROR", format!("can't read the folder {}: {error}", folder.display()))
    };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_file() && !hidden {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

fn read_one(path: &Path) -> Result<Document, String> {
    let text = beginning(path)?;
    if text.contains('\0') {
        return Err("it is not text".to_owned());
    }
    if text.trim().is_empty() {
        return Err("it is empty".to_owned());
    }
    let name = path.file_name().map_or_else(String::new, |name| harmless(&name.to_string_lossy()));
    Ok(document(name, text))
}

/// Reads as much of a file as is ever shown, and a little more: it may be of any size.
fn beginning(path: &Path) -> Result<String, String> {
    let mut bytes = Vec::new();
    std::fs::File::open(path)
        .and_then(|file| file.take(LONGEST as u64 + 4).read_to_end(&mut bytes))
        .map_err(|error| error.to_string())?;
    let is_cut = bytes.len() > LONGEST;
    String::from_utf8(bytes).or_else(|error| {
        let (whole, mistake) = (error.utf8_error().valid_up_to(), error.utf8_error().error_len());
        let mut bytes = error.into_bytes();
        // A character that the cut went through is no mistake of the file.
        if !is_cut || mistake.is_some() {
            return Err("it is not text in UTF-8".to_owned());
        }
        bytes.truncate(whole);
        String::from_utf8(bytes).map_err(|error| error.to_string())
    })
}

fn document(name: String, mut text: String) -> Document {
    let format = Path::new(&name)
        .extension()
        .map_or_else(|| "txt".into(), |format| format.to_string_lossy())
        .to_lowercase();
    let truncated = text.len() > LONGEST;
    if truncated {
        text.truncate(text.floor_char_boundary(LONGEST));
    }
    Document { name, format, text, truncated }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_document_is_cut_between_two_characters_and_says_so() {
        let long = document("a.md".to_owned(), "ü".repeat(LONGEST));
        assert!(long.truncated && long.text.len() <= LONGEST && long.text.ends_with('ü'));
        assert_eq!(document("A.CSV".to_owned(), "x".to_owned()).format, "csv");
    }

    #[test]
    fn binary_files_are_left_out_with_a_reason() {
        let folder = tempfile::tempdir().unwrap();
        let console = Console::new(false, true);
        std::fs::write(folder.path().join("a.bin"), [0xff, 0xfe, 0]).unwrap();
        assert!(read(Some(folder.path()), &console).is_err());
        std::fs::write(folder.path().join("b.txt"), "hello").unwrap();
        std::fs::write(folder.path().join(".hidden"), "no").unwrap();
        let names: Vec<_> = read(Some(folder.path()), &console)
            .unwrap()
            .into_iter()
            .map(|found| found.name)
            .collect();
        assert_eq!(names, ["b.txt"]);
    }
}
