use glassnet::engine::*; use glassnet::graph::*; use glassnet::nn; use glassnet::math::random::Stream;
fn main(){ 
 let net=std::env::args().nth(1).unwrap(); let batch:usize=std::env::args().nth(2).unwrap().parse().unwrap(); let threads:usize=std::env::args().nth(3).unwrap().parse().unwrap();
 let m = nn::parse(&net).unwrap();
 let mut b=Builder::new(); let x=b.input("x",DType::F32,m.input_shape().unwrap()).unwrap();
 let mut ctx=nn::Lowering::new(nn::Mode::Train); let out=m.lower(&mut b,x,&mut ctx).unwrap();
 let t=b.input("y",DType::I64,Shape::batch([])).unwrap();
 let c=nn::loss::Criterion::parse("cross_entropy").unwrap();
 let l=c.lower(&mut b,out,t,&nn::loss::LossOperands{variance:None,sample_weight:None}).unwrap();
 let g=b.finish_checked(); let ps:Vec<NodeId>=g.graph().sources().filter(|(_,s)| matches!(s, op::Source::Parameter{..})).map(|(i,_)|i).collect();
 let gr=glassnet::grad::grad(&g,l,&ps).unwrap(); let mut r=gr.gradients.clone(); r.push(l);
 let mut block=Block::for_graph(&gr.graph); Stream::at(1,0,0).fill_normal(block.data_mut(),0.0,0.5);
  let cfg=Config{pool:if threads>1 {Some(Pool::new(threads).unwrap())} else {None},..Config::default()};
  let p=Plan::compile(&gr.graph,&r,batch,&cfg).unwrap(); let mut mem=p.memory();
  if std::env::args().nth(4).is_some() { println!("{:?}",p); }
  let mut best=f64::MAX; let t0=std::time::Instant::now();
  while t0.elapsed().as_secs_f64()<1.0 { let n=20; let t=std::time::Instant::now(); for _ in 0..n { p.run(&block,&mut mem,Draw::default()).unwrap(); } best=best.min(t.elapsed().as_secs_f64()/n as f64); }
  println!("{net} {batch} threads {} of {threads}: {:.3} us",p.threads(),best*1e6);
}
