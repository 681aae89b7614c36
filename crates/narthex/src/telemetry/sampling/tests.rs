use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing_subscriber::{fmt::MakeWriter, layer::SubscriberExt as _};

use super::*;

/// What was written.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

impl Written {
    fn lines(&self, with: &str) -> usize {
        String::from_utf8_lossy(&self.0.lock().unwrap()).lines().filter(|line| line.contains(with)).count()
    }
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_one_kind_is_sampled_and_counted_and_nothing_else_is() {
    let (written, sampling) =
        (Written::default(), Sampling::new(LogSampling { first: 10, then_one_in: 100 }));
    let layers = tracing_subscriber::registry().with(sampling.clone());
    let layers = layers.with(tracing_subscriber::fmt::layer().with_ansi(false).with_writer(written.clone()));
    let _guard = tracing::subscriber::set_default(layers);
    let flood = || {
        for number in 0..1010 {
            tracing::info!(number, "response ended");
            tracing::error!(number, "something broke");
            tracing::debug!(number, "somebody asked for this");
        }
    };
    flood();
    tracing::info!("response accepted");
    assert_eq!(written.lines("response ended"), 20);
    assert_eq!(written.lines("response accepted"), 1);
    assert_eq!(written.lines("something broke"), 1010);
    assert_eq!(written.lines("somebody asked for this"), 1010);

    // The next second begins anew.
    tokio::time::advance(Duration::from_secs(1)).await;
    flood();
    assert_eq!(written.lines("response ended"), 40);
    sampling.tell_now();
    assert_eq!(written.lines("lines of the log were left out line=\"response ended\" left_out=1980"), 1);
    sampling.tell_now();
    assert_eq!(written.lines("left out"), 1, "it is told once");
}

#[test]
fn all_are_written_where_nothing_is_sampled() {
    let (written, sampling) = (Written::default(), Sampling::new(LogSampling { first: 0, then_one_in: 100 }));
    let layers = tracing_subscriber::registry().with(sampling);
    let layers = layers.with(tracing_subscriber::fmt::layer().with_writer(written.clone()));
    tracing::subscriber::with_default(layers, || (0..500).for_each(|_| tracing::info!("response ended")));
    assert_eq!(written.lines("response ended"), 500);
}
