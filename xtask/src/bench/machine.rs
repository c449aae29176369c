//! The machine and the code that was measured.

use std::fs;
use std::thread;

use serde_json::{Value, json};
use xshell::cmd;

use crate::project::Project;

const UNKNOWN: &str = "unknown";

/// What a figure means nothing without.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Machine {
    /// The processor's model.
    pub(crate) cpu: String,
    /// How many cores this process may use.
    pub(crate) cores: usize,
    /// The memory in MiB.
    pub(crate) memory_mib: u64,
    /// The operating system's kernel.
    pub(crate) kernel: String,
    /// The commit, with `+changes` when the checkout differs from it.
    pub(crate) commit: String,
    /// When it was measured.
    pub(crate) date: String,
    /// The compiler.
    pub(crate) rustc: String,
}

impl Machine {
    /// Looks at the machine; what it doesn't tell is `unknown`.
    pub(crate) fn look(project: &Project) -> Self {
        let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
        Self {
            cpu: cpu(&read("/proc/cpuinfo")),
            cores: thread::available_parallelism().map_or(0, usize::from),
            memory_mib: memory_mib(&read("/proc/meminfo")),
            kernel: output(project, &["uname", "-sr"]),
            commit: commit(project),
            date: output(project, &["date", "-u", "+%Y-%m-%dT%H:%M:%SZ"]),
            rustc: output(project, &["rustc", "--version"]),
        }
    }

    /// Returns it for programs.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "cpu": self.cpu, "cores": self.cores, "memoryMib": self.memory_mib,
            "kernel": self.kernel, "commit": self.commit, "date": self.date, "rustc": self.rustc,
        })
    }
}

fn output(project: &Project, words: &[&str]) -> String {
    let [program, args @ ..] = words else { return UNKNOWN.to_owned() };
    let text = cmd!(project.shell, "{program} {args...}").quiet().ignore_stderr().read();
    text.ok().filter(|text| !text.is_empty()).unwrap_or_else(|| UNKNOWN.to_owned())
}

fn commit(project: &Project) -> String {
    let commit = output(project, &["git", "rev-parse", "--short=12", "HEAD"]);
    let changes = output(project, &["git", "status", "--porcelain", "--untracked-files=no"]);
    // No output at all reads as unknown here: the checkout is clean.
    if changes == UNKNOWN { commit } else { format!("{commit}+changes") }
}

fn cpu(cpuinfo: &str) -> String {
    let model = cpuinfo.lines().find_map(|line| line.strip_prefix("model name"));
    model.map_or(UNKNOWN, |rest| rest.trim_start_matches([' ', '\t', ':'])).to_owned()
}

fn memory_mib(meminfo: &str) -> u64 {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or(0) / 1024
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_and_memory_are_read_from_what_linux_tells() {
        assert_eq!(
            cpu("processor\t: 0\nmodel name\t: Fast 9000\nmodel name\t: other\n"),
            "Fast 9000"
        );
        assert_eq!(memory_mib("MemTotal:       2097152 kB\nMemFree: 1 kB\n"), 2048);
    }

    #[test]
    fn another_system_leaves_them_unknown() {
        assert_eq!((cpu(""), memory_mib("")), ("unknown".to_owned(), 0));
    }
}
