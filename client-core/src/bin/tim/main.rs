//! `tim`, the terminal client: chat by hand, send and receive from scripts.

mod arguments;
mod commands;
mod connection;
mod failure;
mod output;
mod password;
mod profile;

use std::process::ExitCode;

use clap::Parser;

use self::arguments::Arguments;
use self::failure::Failure;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let result = match runtime {
        Ok(runtime) => {
            let result = runtime.block_on(commands::run(arguments));
            // A thread may still be reading standard input; it must not keep the program alive.
            runtime.shutdown_background();
            result
        }
        Err(error) => Err(error.into()),
    };
    match result {
        Ok(()) | Err(Failure::ReaderGone) => ExitCode::SUCCESS,
        Err(failure) => {
            output::complain(&failure.to_string());
            failure.exit_code()
        }
    }
}
