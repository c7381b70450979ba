//! The committed inputs, and changes of them that a seed decides about: what `make fuzz` does for
//! long, here for a moment and without a fuzzer.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use mixbed_fuzz::{TARGETS, Target};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha20Rng;

/// Changed inputs a target. The slowest target takes 3 ms for one, most take less than 0.5 ms.
const ROUNDS: u64 = 300;

fn folder(target: &Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target.name)
}

/// The committed inputs of a target, by file name.
fn committed(target: &Target) -> BTreeMap<String, Vec<u8>> {
    let Ok(files) = fs::read_dir(folder(target)) else { return BTreeMap::new() };
    let files = files.map(|file| file.expect("a folder that can be read"));
    files
        .map(|file| (file.file_name().to_string_lossy().into_owned(), file.path()))
        .filter(|(name, _)| name.starts_with("seed-") || name.starts_with("found-"))
        .map(|(name, path)| (name, fs::read(path).expect("a file that can be read")))
        .collect()
}

#[test]
fn the_corpus_is_what_its_generator_makes_and_small() {
    let mut bytes = 0;
    for target in TARGETS {
        let made: BTreeMap<_, _> = (target.seeds)()
            .into_iter()
            .map(|(name, input)| (format!("seed-{name}"), input))
            .collect();
        if std::env::var_os("UPDATE").is_some() {
            fs::create_dir_all(folder(target)).expect("a folder");
            for name in committed(target).keys().filter(|name| name.starts_with("seed-")) {
                fs::remove_file(folder(target).join(name)).expect("removed");
            }
            for (name, input) in &made {
                fs::write(folder(target).join(name), input).expect("written");
            }
        }
        let mut there = committed(target);
        bytes += there.values().map(Vec::len).sum::<usize>();
        there.retain(|name, _| name.starts_with("seed-"));
        assert!(
            there == made,
            "fuzz/corpus/{} is out of date: UPDATE=1 cargo test -p mixbed-fuzz",
            target.name
        );
        let program = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("fuzz_targets")
            .join(target.name)
            .with_extension("rs");
        assert!(program.is_file(), "no program for {}", target.name);
    }
    assert!(bytes < 500_000, "{bytes} bytes are too many to commit");
}

#[test]
fn every_committed_input_runs() {
    for target in TARGETS {
        for (name, input) in committed(target) {
            eprintln!("{} {name}", target.name);
            (target.run)(&input);
        }
        (target.run)(&[]);
    }
}

/// Shown when the test fails: the last line says which target and seed it was.
#[test]
fn changed_inputs_run() {
    for target in TARGETS {
        let inputs: Vec<_> = (target.seeds)().into_iter().map(|(_, input)| input).collect();
        for seed in 0..ROUNDS {
            eprintln!("{} seed {seed}", target.name);
            let mut rng = ChaCha20Rng::seed_from_u64(seed);
            (target.run)(&change(&inputs, &mut rng));
        }
    }
}

/// One of the inputs, cut, repeated, mixed with another one or with a few bytes changed.
fn change(inputs: &[Vec<u8>], rng: &mut ChaCha20Rng) -> Vec<u8> {
    let any = |rng: &mut ChaCha20Rng| inputs[rng.random_range(0..inputs.len())].clone();
    let mut input = any(rng);
    for _ in 0..rng.random_range(1..6) {
        let at = rng.random_range(0..=input.len());
        match rng.random_range(0..6) {
            0 => input.truncate(at),
            1 => {
                let other = any(rng);
                let from = rng.random_range(0..=other.len());
                input.splice(at.., other[from..].iter().copied());
            }
            2 => {
                let mut noise = vec![0; rng.random_range(1..8)];
                rng.fill_bytes(&mut noise);
                input.splice(at..at, noise);
            }
            _ => {
                if let Some(byte) = input.get_mut(at) {
                    *byte = [0, 1, 0x7f, 0x80, 0xff, byte.wrapping_add(1), rng.random()]
                        [rng.random_range(0..7)];
                }
            }
        }
    }
    input.truncate(1 << 16);
    input
}
