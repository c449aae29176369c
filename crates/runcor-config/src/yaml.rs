//! From the text of a file to nodes with places.
//!
//! The parser gives events with markers; here they become a tree. Aliases are
//! copied in under a budget, so a small file can't become a large tree. Doubled
//! keys are reported and skipped; a syntax error ends the reading.

mod scalar;
mod syntax;

use std::collections::HashMap;
use std::rc::Rc;

use granit_parser::{Event, Marker, Parser, ScalarStyle, StrInput, Tag};

use crate::findings::Findings;
use crate::node::{Content, Entry, Node, Place};
use crate::path::{Path, shown};

/// The most levels of lists and mappings.
const MAX_DEPTH: usize = 64;

/// The most nodes of a file, copies by alias counted.
const MAX_NODES: usize = 50_000;

/// The most bytes of all texts of a file, copies by alias counted.
const MAX_TEXT_BYTES: usize = 4 * 1024 * 1024;

/// Reads a document; nothing when it is too broken to go on.
pub(crate) fn compose(text: &str, findings: &mut Findings) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
    };
    options.set_emit_comments(false);
    let parser = Parser::new_from_str_with_options(text, options);
    let mut composer = Composer { parser, anchors: HashMap::new(), nodes: 0, bytes: 0, findings };
    match composer.document() {
        Ok(node) => Some(node),
        Err(Stop { place, message }) => {
            findings.problem(Path::Root, place, message);
            None
        }
    }
}

/// Why reading can't go on.
struct Stop {
    place: Place,
    message: String,
}

impl Stop {
    fn new(place: Place, message: impl Into<String>) -> Self {
        Self { place, message: message.into() }
    }
}

struct Composer<'t, 'f> {
    parser: Parser<'t, StrInput<'t>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    bytes: usize,
    findings: &'f mut Findings,
}

impl<'t> Composer<'t, '_> {
    fn document(&mut self) -> Result<Node, Stop> {
        let mut root = Node { place: Place::START, content: Content::Null };
        let mut documents = 0;
        loop {
            let (event, place) = self.next()?;
            match event {
                Event::StreamEnd => return Ok(root),
                Event::DocumentStart(..) if documents > 0 => {
                    return Err(Stop::new(place, "a second document begins here; keep only one"));
                }
                Event::DocumentStart(..) => documents += 1,
                Event::StreamStart | Event::DocumentEnd => {}
                event => root = self.node(event, place, 0, Path::Root)?,
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'t>, Place), Stop> {
        match self.parser.next_event() {
            Some(Ok((event, span))) => Ok((event, place(&span.start))),
            Some(Err(error)) => {
                Err(Stop::new(place(error.marker()), syntax::message(error.kind())))
            }
            None => Ok((Event::StreamEnd, Place::START)),
        }
    }

    fn node(
        &mut self,
        event: Event<'t>,
        place: Place,
        depth: usize,
        path: Path<'_>,
    ) -> Result<Node, Stop> {
        let (anchor, content) = match event {
            Event::Alias(id) => return self.alias(id, place, depth),
            Event::Scalar(text, style, anchor, tag) => {
                (anchor, self.scalar(&text, style, tag.as_deref(), place, path)?)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), place, path);
                (anchor, self.list(place, depth + 1, path)?)
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.as_deref(), place, path);
                (anchor, self.map(place, depth + 1, path)?)
            }
            _ => return Err(Stop::new(place, "a value is missing here")),
        };
        let node = Node { place, content };
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    /// Copies what an anchor holds; what is wrong in it is told at the anchor.
    fn alias(&mut self, id: usize, place: Place, depth: usize) -> Result<Node, Stop> {
        let Some(node) = self.anchors.get(&id).cloned() else {
            return Err(Stop::new(place, "an alias can't stand inside its own anchor"));
        };
        check_depth(depth + node.height(), place)?;
        let (nodes, bytes) = node.weight();
        self.pay(nodes, bytes, place)?;
        Ok(node)
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&Tag>,
        place: Place,
        path: Path<'_>,
    ) -> Result<Content, Stop> {
        self.pay(1, text.len(), place)?;
        let is_text = tag.is_some_and(|tag| tag.is_yaml_core_schema_tag("str"));
        if !is_text {
            self.refuse_tag(tag, place, path);
        }
        Ok(match style {
            ScalarStyle::Plain if !is_text => scalar::resolve(text),
            _ => Content::Text(text.into()),
        })
    }

    fn list(&mut self, place: Place, depth: usize, path: Path<'_>) -> Result<Content, Stop> {
        check_depth(depth, place)?;
        self.pay(1, 0, place)?;
        let mut items = Vec::new();
        loop {
            match self.next()? {
                (Event::SequenceEnd, _) => return Ok(Content::List(items)),
                (event, at) => items.push(self.node(event, at, depth, path.index(items.len()))?),
            }
        }
    }

    fn map(&mut self, place: Place, depth: usize, path: Path<'_>) -> Result<Content, Stop> {
        check_depth(depth, place)?;
        self.pay(1, 0, place)?;
        let mut entries: Vec<Entry> = Vec::new();
        let mut known: HashMap<Rc<str>, usize> = HashMap::new();
        loop {
            let (key, at) = match self.next()? {
                (Event::MappingEnd, _) => return Ok(Content::Map(entries)),
                (Event::Scalar(key, ..), at) => (Rc::from(&*key), at),
                (_, at) => return Err(Stop::new(at, "a key must be plain text")),
            };
            self.pay(0, str::len(&key), at)?;
            let entry = self.entry(Rc::clone(&key), at, depth, path)?;
            match known.get(&key) {
                Some(line) => self.doubled(&key, at, *line, path),
                None => {
                    known.insert(key, at.line);
                    entries.push(entry);
                }
            }
        }
    }

    fn entry(
        &mut self,
        key: Rc<str>,
        place: Place,
        depth: usize,
        path: Path<'_>,
    ) -> Result<Entry, Stop> {
        let (event, at) = self.next()?;
        let value = self.node(event, at, depth, path.key(&key))?;
        Ok(Entry { key, place, value })
    }

    fn doubled(&mut self, key: &str, place: Place, first: usize, path: Path<'_>) {
        let message = format!("the key \"{}\" stands twice, first on line {first}", shown(key));
        self.findings.problem(path.key(key), place, message);
    }

    fn refuse_tag(&mut self, tag: Option<&Tag>, place: Place, path: Path<'_>) {
        if tag.is_some() {
            self.findings.problem(path, place, "tags such as !x mean nothing here; remove it");
        }
    }

    fn pay(&mut self, nodes: usize, bytes: usize, place: Place) -> Result<(), Stop> {
        self.nodes += nodes;
        self.bytes += bytes;
        if self.nodes > MAX_NODES || self.bytes > MAX_TEXT_BYTES {
            return Err(Stop::new(
                place,
                "the file grows too large here; use fewer values and aliases",
            ));
        }
        Ok(())
    }
}

fn check_depth(depth: usize, place: Place) -> Result<(), Stop> {
    if depth > MAX_DEPTH {
        return Err(Stop::new(place, format!("more than {MAX_DEPTH} levels deep")));
    }
    Ok(())
}

fn place(marker: &Marker) -> Place {
    Place { line: marker.line().max(1), column: marker.col() + 1 }
}
