//! TEMP
use clap::Parser;
#[derive(clap::Parser)]
enum Cli {
    Router(wamp::cli::router::RouterArgs),
}
fn main() {
    let Cli::Router(args) = Cli::parse();
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(args.run())
        .unwrap();
}
