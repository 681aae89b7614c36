//! What other crates are about to bring: this file goes when they have.

use async_trait::async_trait;
use engine::{Call, Engine, Error, Fault, Outputs};

pub(crate) struct Demo;

#[async_trait]
impl Engine for Demo {
    async fn generate(&self, _: Call) -> Result<Outputs, Error> {
        Err(Error::new(Fault::Failed, "this build has no demo model yet", "seam"))
    }

    async fn models(&self) -> Result<Option<Vec<String>>, Error> {
        Ok(Some(vec!["demo".to_owned()]))
    }
}
