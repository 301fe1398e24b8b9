use glassnet::engine::*;
use glassnet::graph::*;
use glassnet::math::random::Stream;
use glassnet::nn;
fn main() {
    for (net, classes) in [
        ("Sequential(Linear(4, 300), ELU(), Linear(300, 5), Softplus(), Linear(5, 3))", 3),
        ("4-8-3", 3),
    ] {
        for batch in [16usize, 2] {
            let m = nn::parse(net).unwrap();
            let mut b = Builder::new();
            let x = b.input("x", DType::F32, Shape::batch([4])).unwrap();
            let mut ctx = nn::Lowering::new(nn::Mode::Train);
            let out = m.lower(&mut b, x, &mut ctx).unwrap();
            let t = b.input("y", DType::I64, Shape::batch([])).unwrap();
            let c = nn::loss::Criterion::parse("cross_entropy").unwrap();
            let l = c
                .lower(
                    &mut b,
                    out,
                    t,
                    &nn::loss::LossOperands { variance: None, sample_weight: None },
                )
                .unwrap();
            let g = b.finish_checked();
            let ps: Vec<NodeId> = g
                .graph()
                .sources()
                .filter(|(_, s)| matches!(s, op::Source::Parameter { .. }))
                .map(|(i, _)| i)
                .collect();
            let gr = glassnet::grad::grad(&g, l, &ps).unwrap();
            let mut r = gr.gradients.clone();
            r.push(l);
            let mut block = Block::for_graph(&gr.graph);
            Stream::at(1, 0, 0).fill_normal(block.data_mut(), 0.0, 0.5);
            let mut first: Option<Vec<Vec<f32>>> = None;
            for level in Level::supported() {
                for fuse in [false, true] {
                    for threads in [1, 2, 3, 5, 8] {
                        let cfg = Config {
                            level,
                            fuse,
                            pool: Some(Pool::new(threads).unwrap()),
                            divide_always: true,
                            observe: vec![],
                        };
                        let p = Plan::compile(&gr.graph, &r, batch, &cfg).unwrap();
                        let mut mem = p.memory();
                        Stream::at(2, 0, 0).fill_normal(
                            mem.floats_mut(p.input("x").unwrap()),
                            0.0,
                            1.0,
                        );
                        for (i, v) in mem.indices_mut(p.input("y").unwrap()).iter_mut().enumerate()
                        {
                            *v = (i % classes) as i64;
                        }
                        p.run(&block, &mut mem, Draw::default()).unwrap();
                        let res: Vec<Vec<f32>> = (0..r.len())
                            .map(|i| p.results(&mem)[p.result_range(i)].to_vec())
                            .collect();
                        if let Some(f) = &first {
                            for i in 0..r.len() {
                                if let Some(at) = (0..f[i].len())
                                    .find(|&j| f[i][j].to_bits() != res[i][j].to_bits())
                                {
                                    println!(
                                        "{net} B{batch} {level} fuse {fuse} threads {threads}: result {i} at {at} of {}: {} vs {}",
                                        f[i].len(),
                                        f[i][at],
                                        res[i][at]
                                    );
                                }
                            }
                        } else {
                            first = Some(res)
                        }
                    }
                }
            }
        }
    }
}
