//! `session-fuzz`: searches for packet sequences that break a server, or plays scripts.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use tim_session_fuzz::allocation::Counting;
use tim_session_fuzz::oracle;
use tim_session_fuzz::script::Script;
use tim_session_fuzz::search::{self, Options, Search};
use tim_session_fuzz::stage::Stage;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// A script that keeps the whole process busy for so long hangs.
const STUCK: Duration = Duration::from_secs(120);

/// Fuzzes whole sessions of a tim server.
#[derive(Debug, Parser)]
#[command(name = "session-fuzz")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Search for faults.
    Search {
        /// How long, in seconds.
        #[arg(long, default_value_t = 60)]
        seconds: u64,
        /// Where random choices begin.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// Folder of scripts to begin with; new ones are added.
        #[arg(long)]
        corpus: PathBuf,
        /// Folder for scripts that show faults.
        #[arg(long)]
        faults: PathBuf,
    },
    /// Copy the scripts that together show most.
    Select {
        /// Folder of scripts.
        #[arg(long)]
        from: PathBuf,
        /// Folder to copy to.
        #[arg(long)]
        to: PathBuf,
        /// How many at most.
        #[arg(long, default_value_t = 300)]
        count: usize,
    },
    /// Play scripts and print what is seen.
    Play {
        /// The scripts.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(perform(arguments))
}

async fn perform(arguments: Arguments) -> Result<ExitCode> {
    match arguments.command {
        Command::Search {
            seconds,
            seed,
            corpus,
            faults,
        } => {
            watch(faults.clone());
            let options = Options {
                time: Duration::from_secs(seconds),
                seed,
                corpus,
                faults,
            };
            let search = Box::pin(Search::prepare(options)).await?;
            let summary = Box::pin(search.run()).await?;
            eprintln!("{summary:?}");
            Ok(ExitCode::from(u8::from(summary.faults > 0)))
        }
        Command::Select { from, to, count } => {
            Box::pin(search::select(&from, &to, count)).await?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Play { files } => {
            let mut stage = Stage::build().await?;
            let mut faults = 0;
            for file in files {
                let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
                let outcome = stage.play(&Script::parse(&text)?).await?;
                eprintln!("{}", file.display());
                for sighting in outcome.sightings {
                    eprintln!("  {sighting}");
                }
                for wrong in outcome.wrong {
                    faults += 1;
                    eprintln!("  FAULT {wrong}");
                }
            }
            Ok(ExitCode::from(u8::from(faults > 0)))
        }
    }
}

/// Ends the process when a script keeps its only thread busy for ever, and leaves the script behind.
fn watch(faults: PathBuf) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(STUCK / 10);
            let Some((since, script)) = oracle::last_begun().filter(|(since, _)| since.elapsed() > STUCK)
            else {
                continue;
            };
            let path = faults.join("stuck.script");
            eprintln!("fault: stuck for {:?}: {}", since.elapsed(), path.display());
            if let Err(error) = std::fs::create_dir_all(&faults).and_then(|()| std::fs::write(&path, &script))
            {
                eprintln!("cannot be written: {error}\n{script}");
            }
            std::process::exit(1);
        }
    });
}
