//! Predictions from rows that lie in memory into memory that is there.

use glassnet::engine::{Config, Pool};
use glassnet::train::{Inference, Workspace};
use worker::{Case, Loaded, Result, Sampler, Times, said};

pub(crate) struct Passes {
    inference: Inference,
    workspace: Workspace,
    case: Case,
    outputs: Vec<f32>,
}

impl Passes {
    pub(crate) fn new(case: Case, pool: Pool) -> Result<Self> {
        let config = Config { pool: Some(pool), ..Config::default() };
        let network = crate::network(&case, 0)?;
        let inference = Inference::new(&network, &[case.inputs()], &config).map_err(said)?;
        let workspace = inference.workspace();
        let outputs = vec![0.0; case.batch * case.outputs()];
        Ok(Passes { inference, workspace, case, outputs })
    }
}

impl Loaded for Passes {
    fn measure(&mut self, seconds: f64) -> Result<Times> {
        let mut sampler = Sampler::new(seconds);
        let mut batch = 0;
        while !sampler.is_over() {
            self.inference
                .run(&mut self.workspace, self.case.x_of(batch), &mut self.outputs)
                .map_err(said)?;
            sampler.tick();
            batch += 1;
            if batch == self.case.batches {
                batch = 0;
            }
        }
        sampler.times().ok_or_else(|| "nothing was measured".to_owned())
    }

    fn losses(&mut self, _: usize) -> Result<Vec<f32>> {
        Err("this case predicts".to_owned())
    }

    fn outputs(&mut self, rows: usize) -> Result<Vec<f32>> {
        let rows = rows.min(self.case.rows());
        let mut outputs = vec![0.0; rows * self.case.outputs()];
        let x = &self.case.x[..rows * self.case.inputs()];
        self.inference.run(&mut self.workspace, x, &mut outputs).map_err(said)?;
        Ok(outputs)
    }
}
