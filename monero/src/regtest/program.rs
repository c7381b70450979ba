//! Finding a program before starting it, so that its absence is said plainly.

use std::env;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::RegtestError;

/// The full path of `program`: itself if it has a directory, otherwise looked up in `PATH`.
pub(super) fn find(program: &Path) -> Result<PathBuf, RegtestError> {
    let search = env::var_os("PATH").unwrap_or_default();
    find_in(program, &search)
        .ok_or_else(|| RegtestError::NotInstalled { program: program.display().to_string() })
}

fn find_in(program: &Path, search: &OsStr) -> Option<PathBuf> {
    if program.components().count() > 1 {
        return program.is_file().then(|| program.to_owned());
    }
    env::split_paths(search).map(|dir| dir.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_in_the_search_path_only() {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("monerod");
        std::fs::write(&program, "").unwrap();
        assert_eq!(find_in(Path::new("monerod"), dir.path().as_os_str()), Some(program.clone()));
        assert_eq!(find_in(Path::new("monerod"), OsStr::new("/nowhere")), None);
        assert_eq!(find_in(&program, OsStr::new("/nowhere")), Some(program));
    }

    #[test]
    fn an_absent_program_says_how_to_get_it() {
        let error = find(Path::new("/nowhere/monerod")).unwrap_err();
        assert!(error.to_string().contains("apt-get install monero"), "{error}");
    }
}
