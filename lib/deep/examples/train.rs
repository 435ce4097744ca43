//! Trains the network on the course's digits and says what it reads rightly of those held out.
//!
//! `cargo course cargo run -p deep --example train -- [EPOCHS] [SEED]`

use deep::data::{Digits, split};
use deep::evaluate::Evaluation;
use deep::train::{TrainConfig, Trainer};
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut config = TrainConfig::default();
    if let Some(epochs) = arguments.next() {
        config.epochs = epochs.parse()?;
    }
    if let Some(seed) = arguments.next() {
        config.seed = seed.parse()?;
    }
    let mnist = datasets::mnist()?;
    let digits = Digits::new(mnist.images.view(), &mnist.labels)?;
    let parts = split(&digits, 0.1, 0.2, 1)?;
    let mut trainer = Trainer::new(config, &deep::device()?)?;
    println!(
        "{} weights, {} images",
        trainer.model().n_parameters(),
        parts.train.len()
    );
    let began = Instant::now();
    let progress = trainer.run(&parts.train, &parts.validation, config.epochs, |epoch| {
        println!(
            "epoch {:2}: loss {:.4}, validation {:.4}, accuracy {:.4}, {:.0} s",
            epoch.epoch,
            epoch.train_loss,
            epoch.validation_loss,
            epoch.validation_accuracy,
            began.elapsed().as_secs_f64()
        );
    })?;
    println!(
        "{progress:?}, best epoch {:?}, {:.1} s",
        trainer.best_epoch(),
        began.elapsed().as_secs_f64()
    );
    let seen = Evaluation::of(&trainer.best_model()?, &parts.validation)?;
    println!(
        "validation: {} of {} right",
        seen.n_right(),
        seen.n_images()
    );
    let seen = Evaluation::of(&trainer.best_model()?, &parts.test)?;
    let interval = seen.accuracy_interval(0.95)?;
    println!(
        "held out: {} of {} right, 95 % {:.4} to {:.4}",
        seen.n_right(),
        seen.n_images(),
        interval.lower,
        interval.upper
    );
    Ok(())
}
